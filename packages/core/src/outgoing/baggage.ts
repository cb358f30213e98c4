// The baggage header, as those who refuse a malformed one read it (https://www.w3.org/TR/baggage/).

const KEY = "[!#$%&'*+.^_`|~\\w-]+";
const VALUE = '(?:[!#$&-+\\--:<-[\\]-~]|%[\\da-f]{2})*';
const ITEM = new RegExp(
  `^\\s*${KEY}\\s*=\\s*${VALUE}\\s*(?:;\\s*${KEY}\\s*(?:=\\s*${VALUE}\\s*)?)*$`,
  'i',
);

/** Whether a header is well-formed baggage, within the limits of the specification. */
export function isBaggage(value: string): boolean {
  const items = value.split(',');
  return value.length <= 8192 && items.length <= 64 && items.every((item) => ITEM.test(item));
}
