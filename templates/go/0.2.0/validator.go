// Package validator is the rule of {{bank}}: euros only, more than nothing, at most 10,000.00 EUR. The first rule that is
// broken gives the reason.
package validator

import "wasmpay"

// In cents: amounts are integers in the currency's minor unit.
const most = 10_000_00

func Validate(transaction wasmpay.Transaction) wasmpay.Verdict {
	amount := transaction.Amount
	// Codes are those of ISO 20022, or your own.
	switch {
	case amount.Name != "Euro":
		return wasmpay.Deny("AM03", "takes euros only")
	case amount.Amount <= 0:
		return wasmpay.Deny("AM12", "nothing to pay")
	case amount.Amount > most:
		return wasmpay.Deny("AM02", "above 10,000.00 EUR")
	}
	return wasmpay.Approve()
}
