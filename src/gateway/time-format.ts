// Times as answers write them: RFC 3339 in UTC with milliseconds, as `Date.toISOString` gives it. Answers come many to
// the second, and making that text anew takes longer than reading a transaction.

/** Milliseconds since 1970, whole, to text. */
export type TimeFormatter = (timeMs: number) => string;

/** A formatter that remembers the last second. Throws `RangeError` for what is no time, as `Date` does. */
export function createTimeFormatter(): TimeFormatter {
  let lastSecond = Number.NaN;
  let lastText = '';
  return (timeMs) => {
    const second = Math.floor(timeMs / 1000);
    if (second !== lastSecond) {
      lastText = new Date(second * 1000).toISOString().slice(0, -'000Z'.length);
      lastSecond = second;
    }
    return `${lastText}${String(timeMs - second * 1000).padStart(3, '0')}Z`;
  };
}
