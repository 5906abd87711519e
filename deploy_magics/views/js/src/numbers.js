// How a number is written. The rules are those of ../../_numbers.py, and a test holds the two together.

const MAX_DECIMALS = 9;
const EXTRA_DECIMALS = 2;

export function decimals(digits, values) {
  let largest = 0;
  for (const value of values) if (Number.isFinite(value) && Math.abs(value) > largest) largest = Math.abs(value);
  if (largest === 0) return 0;
  return Math.min(MAX_DECIMALS, Math.max(0, digits - 1 - Math.floor(Math.log10(largest))));
}

// Decimals that one value needs in a column of `base` decimals: more where it would be rounded to zero.
export function ownDecimals(value, base) {
  if (value === 0 || !Number.isFinite(value) || Math.abs(value) >= 0.5 * 10 ** -base) return base;
  const needed = 1 - Math.floor(Math.log10(Math.abs(value)));
  return needed <= base + EXTRA_DECIMALS ? needed : base;
}

// What is not zero is not written as zero.
export function write(value, places) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const sign = value < 0 ? "−" : "";
  if (Math.abs(value) >= 1e21) return sign + Math.abs(value).toExponential(1).replace("e+", "e");
  let text = Math.abs(value).toFixed(places);
  if (value !== 0 && Number(text) === 0) {
    const least = (10 ** -places).toFixed(places);
    return value < 0 ? `>−${least}` : `<${least}`;
  }
  const point = places ? text.length - places - 1 : text.length;
  for (let at = point - 3; at > 0; at -= 3) text = `${text.slice(0, at)},${text.slice(at)}`;
  return sign + text;
}

// Blanks that put a number of `places` decimals in line with one of `longest`.
export function missingPlaces(places, longest) {
  if (places >= longest) return "";
  return (places === 0 ? "\u2008" : "") + "\u2007".repeat(longest - places);
}

export function count(n) {
  return write(n, 0);
}
