// For editors and `go test`. The build takes the sources only, with a go.mod of its own.
module validator

go 1.24

require wasmpay v0.0.0

replace wasmpay => ../../../src/authoring/go/library
