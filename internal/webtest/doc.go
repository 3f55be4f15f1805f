// Package webtest asks web servers in tests.
package webtest
