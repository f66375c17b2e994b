const NAME = /^[A-Za-z0-9./#-]{1,128}$/;
const LABEL = /^[A-Za-z0-9./-]{1,128}$/;

/** Whether a text can name a counter: 1 to 128 of `A-Za-z0-9./#-`. */
export function isCounterName(text: string): boolean {
  return NAME.test(text);
}

/** Whether a text can be the label of a sealed blob, or name its counter: 1 to 128 of `A-Za-z0-9./-`. */
export function isSealingLabel(text: string): boolean {
  return LABEL.test(text);
}
