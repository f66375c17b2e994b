/**
 * Resolves when another promise has settled, either way, without its value. For who only waits for a turn: the value, such as
 * what was told of persons, would stay in memory until the next turn.
 */
export function hasSettled(promise: Promise<unknown>): Promise<void> {
  const settle = (): void => undefined;
  return promise.then(settle, settle);
}
