import { isProtegoError } from '../error';

/** Code of the error that an act throws; its text where it has none, undefined where nothing is thrown. */
export function thrownCodeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return isProtegoError(error) ? error.code : String(error);
  }
}
