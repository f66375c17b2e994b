import { isProtegoError } from '@protego/contracts';
import type { PersonalDataVault, SealedTextForm } from '@protego/enclave';

/**
 * Whether one of some names can still be read in each of some sealed texts, in order. What is damaged cannot be read.
 *
 * @throws ProtegoError those of `PersonalDataVault.textsNaming` that are not of one text
 */
export async function sealedTextsNaming(
  vault: PersonalDataVault,
  sealed: readonly Uint8Array[],
  names: readonly string[],
  form: SealedTextForm,
): Promise<boolean[]> {
  if (sealed.length === 0) return [];
  try {
    return await vault.textsNaming(sealed, names, form);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    if (sealed.length === 1) return [false];
    // One of them takes the whole call along: which one it is, halves tell.
    const middle = sealed.length >> 1;
    const first = await sealedTextsNaming(vault, sealed.slice(0, middle), names, form);
    return [...first, ...(await sealedTextsNaming(vault, sealed.slice(middle), names, form))];
  }
}

/** True for what opening sealed bytes throws when they are damaged; all else is a fault of the vault. */
export function isUnreadable(error: unknown): boolean {
  return !isProtegoError(error) || error.code === 'LOG_BLOCK_CORRUPT' || error.code === 'LOG_FORMAT_UNKNOWN';
}
