// Ties an author's Validate to the canonical ABI: the program that the core module is made of.
package main

import (
	"unsafe"

	"wasmpay"
)

// What the host was given to write to, kept from the collector until the call ends.
var kept [][]uint64

// New memory for the host to write arguments to, aligned to 8, the most that the contract asks for.
//
//go:wasmexport cabi_realloc
func reallocate(old, oldSize, alignment, size uint32) uint32 {
	if size == 0 {
		return alignment
	}
	block := make([]uint64, (uint64(size)+7)/8)
	kept = append(kept, block)
	made := unsafe.Pointer(&block[0])
	if oldSize != 0 {
		copy(unsafe.Slice((*byte)(made), size), unsafe.Slice((*byte)(pointer(old)), min(oldSize, size)))
	}
	return uint32(uintptr(made))
}

func pointer(address uint32) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(nil), int(address))
}

// A string of the canonical ABI.
type text struct{ address, size uint32 }

func (text text) read() string {
	if text.size == 0 {
		return ""
	}
	return unsafe.String((*byte)(pointer(text.address)), text.size)
}

func textOf(value string) text {
	return text{uint32(uintptr(unsafe.Pointer(unsafe.StringData(value)))), uint32(len(value))}
}

type bank struct{ id, name, country, currency text }

func (bank *bank) read() wasmpay.Bank {
	return wasmpay.Bank{
		ID: bank.id.read(), Name: bank.name.read(), Country: bank.country.read(), Currency: bank.currency.read(),
	}
}

// Record transaction, 104 bytes: more than the 16 core values that are passed as parameters, so it lies in memory.
type record struct {
	id                  text
	origin, destination bank
	name, symbol        text
	amount              int64
	status              text
}

const _ = uint(unsafe.Sizeof(record{})-104) + uint(104-unsafe.Sizeof(record{}))

func read(address uint32) wasmpay.Transaction {
	record := (*record)(pointer(address))
	return wasmpay.Transaction{
		ID:          record.id.read(),
		Origin:      record.origin.read(),
		Destination: record.destination.read(),
		Amount:      wasmpay.Currency{Name: record.name.read(), Symbol: record.symbol.read(), Amount: record.amount},
		Status:      record.status.read(),
	}
}

func main() {}
