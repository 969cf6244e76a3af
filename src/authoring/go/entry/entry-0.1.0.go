package main

import "validator"

//go:wasmexport wasmpay:platform/validation@0.1.0#validate
func validate(address uint32) uint32 {
	var approved bool = validator.Validate(read(address))
	kept = nil
	if approved {
		return 1
	}
	return 0
}
