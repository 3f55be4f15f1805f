// Package buildtext says in one line what a program was built from, from what Go stamps into it.
package buildtext
