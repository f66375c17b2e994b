/** A decimal number without rounding: `units` / 10^`scale`. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

const POWERS: bigint[] = [1n];

function powerOfTen(exponent: number): bigint {
  for (let known = POWERS.length; known <= exponent; known++) POWERS.push((POWERS[known - 1] as bigint) * 10n);
  return POWERS[exponent] as bigint;
}

/**
 * The decimal number that a double stands for when it is written as JSON: 0.1 is one tenth, not the binary fraction
 * nearest to it, because that is what stood in the event and in the rule. Shape: finite in, else the result means nothing.
 */
export function decimalOf(value: number): Decimal {
  if (Number.isSafeInteger(value)) return { units: BigInt(value), scale: 0 };
  const [, sign = '', whole = '0', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  const units = BigInt(`${sign}${whole}${fraction}`);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? { units, scale } : { units: units * powerOfTen(-scale), scale: 0 };
}

/** Longest text, and largest exponent, that is read as a decimal: no double needs more, and no text may cost much. */
const TEXT_LENGTH_MAX = 100;
const EXPONENT_MAX = 400;

/** The decimal number that a text spells; undefined where it spells none, or one that is too long. */
export function decimalOfText(text: string): Decimal | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined;
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts ?? [];
  if (whole + fraction === '' || Math.abs(Number(exponent)) > EXPONENT_MAX) return undefined;
  const units = BigInt(`${sign}${whole}${fraction}`);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? { units, scale } : { units: units * powerOfTen(-scale), scale: 0 };
}

/** True for the text of a decimal that a double rounds to another. */
export function isRounded(text: string, value: number): boolean {
  const decimal = Number.isFinite(value) ? decimalOfText(text) : undefined;
  return decimal !== undefined && compareDecimals(decimal, decimalOf(value)) !== 0;
}

/** -1, 0 or 1 as one is less than, equal to or greater than the other. */
export function compareDecimals(one: Decimal, other: Decimal): number {
  const left = one.units * powerOfTen(other.scale);
  const right = other.units * powerOfTen(one.scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Sum of decimals that loses nothing, so that neither the order of adding nor what was taken away again shows. */
export class ExactSum {
  #units = 0n;
  #scale = 0;

  /** Adds a finite number. */
  add(value: number): void {
    // First: it may bring the units so far to another scale.
    const units = this.#scaled(decimalOf(value));
    this.#units += units;
  }

  /** Takes away a number that was added before. */
  subtract(value: number): void {
    const units = this.#scaled(decimalOf(value));
    this.#units -= units;
  }

  /** Negative, zero or positive as sum / divisor is less than, equal to or greater than the bound; divisor at least 1. */
  compareQuotient(divisor: number, bound: number): number {
    const { units, scale } = decimalOf(bound);
    const left = this.#units * powerOfTen(scale);
    const right = units * BigInt(divisor) * powerOfTen(this.#scale);
    return left < right ? -1 : left > right ? 1 : 0;
  }

  /** Sum / divisor as a double; beyond the range of doubles the outermost one. */
  quotient(divisor: number): number {
    const isNegative = this.#units < 0n;
    const size = isNegative ? -this.#units : this.#units;
    // Thirty digits behind those of the divisor: what is cut off there is far below half a step of a double.
    const shift = 30 + String(divisor).length;
    const value = Number(`${(size * powerOfTen(shift)) / BigInt(divisor)}e-${this.#scale + shift}`);
    const bounded = Math.min(value, Number.MAX_VALUE);
    return isNegative ? -bounded : bounded;
  }

  #scaled({ units, scale }: Decimal): bigint {
    if (scale > this.#scale) {
      this.#units *= powerOfTen(scale - this.#scale);
      this.#scale = scale;
    }
    return units * powerOfTen(this.#scale - scale);
  }
}
