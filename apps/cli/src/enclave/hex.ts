import { ProtegoError } from '@protego/contracts';

/**
 * A nonce of 16 to 64 bytes in hex.
 *
 * @throws ProtegoError `USAGE_INVALID`
 */
export function nonceOf(text: string): Buffer {
  return bytesOf(text, '--nonce', /^(?:[0-9a-f]{2}){16,64}$/i, '16 to 64 bytes');
}

/**
 * A hash of 32 bytes in hex.
 *
 * @param option name of the option, for the message
 * @throws ProtegoError `USAGE_INVALID`
 */
export function hashOf(text: string, option: string): Buffer {
  return bytesOf(text, option, /^[0-9a-f]{64}$/i, '32 bytes');
}

function bytesOf(text: string, option: string, form: RegExp, length: string): Buffer {
  if (form.test(text)) return Buffer.from(text, 'hex');
  throw new ProtegoError('USAGE_INVALID', `${option} \`${text.slice(0, 200)}\` is not ${length} in hex`);
}
