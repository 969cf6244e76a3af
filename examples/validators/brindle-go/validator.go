// Package validator is Brindle's rule: large payments pass while its desk is open, small ones at any time.
package validator

import (
	"strconv"
	"time"
	"wasmpay"
)

// In the minor unit of the currency.
const (
	// Up to here nobody looks.
	mostUnattended = 50_000_00
	// Up to here the desk decides alone.
	mostAttended = 90_071_992_547_409_93
)

func Validate(transaction wasmpay.Transaction) wasmpay.Verdict {
	amount := transaction.Amount.Amount
	switch {
	case transaction.Origin.Currency != "GBP" || transaction.Destination.Currency != "GBP":
		return wasmpay.Deny("AM03", "takes pounds sterling only")
	case amount <= 0:
		return wasmpay.Deny("AM12", "an amount of nothing or less")
	case amount > mostAttended:
		return wasmpay.Deny("AM14", "above "+describe(mostAttended))
	case amount > mostUnattended && !isOpen(time.Now().UTC()):
		return wasmpay.Deny("AM14", "above "+describe(mostUnattended)+" while the desk is closed")
	}
	return wasmpay.Approve()
}

// The desk is open from 08:00 to 17:00 UTC, Monday to Friday.
func isOpen(now time.Time) bool {
	weekday := now.Weekday()
	return weekday != time.Saturday && weekday != time.Sunday && now.Hour() >= 8 && now.Hour() < 17
}

// 50000.00 GBP. Package fmt could do it as well, and is another 700 KB of component.
func describe(amount int64) string {
	pence := strconv.FormatInt(amount%100+100, 10)[1:]
	return strconv.FormatInt(amount/100, 10) + "." + pence + " GBP"
}
