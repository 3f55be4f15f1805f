package console

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"maps"
	"slices"
)

// smaller makes a PNG of at most 256 colours: those that the picture has most often.
func smaller(picture []byte) ([]byte, error) {
	from, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	area, often := from.Bounds(), map[color.Color]int{}
	coarse := func(x, y int) color.Color { // near colours are one
		r, g, b, _ := from.At(x, y).RGBA()
		return color.RGBA{uint8(r>>8) &^ 1, uint8(g>>8) &^ 1, uint8(b>>8) &^ 1, 255}
	}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			often[coarse(x, y)]++
		}
	}
	palette := color.Palette(slices.SortedFunc(maps.Keys(often), func(a, b color.Color) int { return often[b] - often[a] }))
	to := image.NewPaletted(area, palette[:min(len(palette), 256)])
	index := map[color.Color]uint8{}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			c := coarse(x, y)
			at, known := index[c]
			if !known {
				at = uint8(to.Palette.Index(c))
				index[c] = at
			}
			to.SetColorIndex(x, y, at)
		}
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to)
	return out.Bytes(), err
}
