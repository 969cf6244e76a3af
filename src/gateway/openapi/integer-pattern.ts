// A regular expression for the decimal integers of a range: JSON Schema can bound a number, but digits in a string only
// by a pattern.

/** The pattern of integers from `least` to `most`, without plus, leading zero and negative zero. `least` < 0 < `most`. */
export function integerPattern(least: bigint, most: bigint): string {
  return `^(?:0|${upTo(String(most))}|-(?:${upTo(String(-least))}))$`;
}

/** Integers from 1 to the one with these digits: shorter ones, those that fall under it at some digit, and itself. */
function upTo(digits: string): string {
  const branches = digits.length > 1 ? [`[1-9]${anyDigits(0, digits.length - 2)}`] : [];
  for (let index = 0; index < digits.length; index += 1) {
    const least = index === 0 ? 1 : 0;
    const below = Number(digits[index]) - 1;
    if (below < least) continue;
    const rest = digits.length - index - 1;
    branches.push(`${digits.slice(0, index)}[${least}-${below}]${anyDigits(rest, rest)}`);
  }
  return [...branches, digits].join('|');
}

function anyDigits(least: number, most: number): string {
  if (most === 0) return '';
  return least === most ? `[0-9]{${most}}` : `[0-9]{${least},${most}}`;
}
