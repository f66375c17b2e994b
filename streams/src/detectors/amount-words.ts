const UNITS: readonly (readonly [bytes: number, name: string])[] = [
  [1e12, 'terabytes'],
  [1e9, 'gigabytes'],
  [1e6, 'megabytes'],
];

/** An amount of data as it is said aloud: `about 520 megabytes`, `less than a megabyte`, `nothing`. */
export function amountWords(bytes: number): string {
  if (bytes <= 0) return 'nothing';
  const unit = UNITS.find(([unitBytes]) => bytes >= unitBytes);
  if (unit === undefined) return 'less than a megabyte';
  const count = Number((bytes / unit[0]).toPrecision(2));
  return `about ${count} ${count === 1 ? unit[1].slice(0, -1) : unit[1]}`;
}
