// Package wasmpay is what a validator in Go uses. Plain data, so that a validator's own tests run on any machine; the
// canonical ABI is in the entry that the build adds.
package wasmpay

// Bank is one end of a payment.
type Bank struct {
	ID   string
	Name string
	// Country as the processor wrote it. ISO 3166 alpha-3 (USA, GBR) by custom; nothing checks it.
	Country string
	// Currency of the account, ISO 4217 by custom.
	Currency string
}

// Currency is a sum of money.
type Currency struct {
	Name   string
	Symbol string
	// Amount in the currency's minor unit (cents, pence). May be zero or negative.
	Amount int64
}

// Transaction is one payment, as POST /v1/validate takes it.
type Transaction struct {
	ID          string
	Origin      Bank
	Destination Bank
	Amount      Currency
	Status      string
}

// Verdict is what a validator of contract 0.2.0 answers: Approve(), or Deny("AM04", "no funds"). One that was made in no
// such way is no answer, and traps.
type Verdict struct {
	kind    kind
	code    string
	message string
}

type kind uint8

const (
	none kind = iota
	approved
	denied
)

// Approve lets the transaction pass.
func Approve() Verdict { return Verdict{kind: approved} }

// Deny does not. The code is an ISO 20022 status reason code or one of your own: 1 to 35 visible ASCII characters that begin
// with an upper-case letter or a digit. The message is for people: one line of at most 512 bytes, or "".
func Deny(code, message string) Verdict { return Verdict{denied, code, message} }

// Denial says whether the verdict is a denial, and of what. It panics for a verdict that is none.
func (verdict Verdict) Denial() (code, message string, isDenial bool) {
	if verdict.kind == none {
		panic("a verdict is made by Approve or Deny")
	}
	return verdict.code, verdict.message, verdict.kind == denied
}
