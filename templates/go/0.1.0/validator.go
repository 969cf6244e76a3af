// Package validator is the rule of {{bank}}: euros only, more than nothing, at most 10,000.00 EUR.
package validator

import "wasmpay"

// In cents: amounts are integers in the currency's minor unit.
const most = 10_000_00

func Validate(transaction wasmpay.Transaction) bool {
	amount := transaction.Amount
	return amount.Name == "Euro" && amount.Amount > 0 && amount.Amount <= most
}
