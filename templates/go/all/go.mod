// For editors and `go test` on your own machine. `wasmpay build` takes the sources only, with a go.mod of its own.
module validator

go 1.24

require wasmpay v0.0.0

replace wasmpay => ./.contract/wasmpay
