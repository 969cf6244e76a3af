package main

import (
	"unsafe"

	"validator"
	"wasmpay"
)

// Variant verdict in memory: the case's number, then denial's two strings.
var answer struct {
	kind          uint32
	code, message text
}

// Keeps the answer's strings from the collector until the host has read them.
var verdict wasmpay.Verdict

//go:wasmexport wasmpay:platform/validation@0.2.0#validate
func validate(address uint32) uint32 {
	verdict = validator.Validate(read(address))
	kept = nil
	answer.kind = 0
	if code, message, isDenial := verdict.Denial(); isDenial {
		answer.kind = 1
		answer.code, answer.message = textOf(code), textOf(message)
	}
	return uint32(uintptr(unsafe.Pointer(&answer)))
}

//go:wasmexport cabi_post_wasmpay:platform/validation@0.2.0#validate
func forget(uint32) { verdict = wasmpay.Verdict{} }
