import { createHash, timingSafeEqual } from 'node:crypto';
import { ProtegoError, type ProtegoConfig } from '@protego/contracts';

/** Bearer tokens of declared sources, compared in constant time. */
export class TokenGuard {
  readonly #tokens: readonly { readonly source: string; readonly hash: Buffer }[];

  constructor(tokens: ProtegoConfig['tokens']) {
    this.#tokens = tokens.map(({ source, tokenSha256 }) => ({ source, hash: Buffer.from(tokenSha256, 'hex') }));
  }

  /**
   * Source that a token belongs to.
   *
   * @throws ProtegoError `TOKEN_INVALID`
   */
  sourceOf(authorization: string | undefined): string {
    const token = /^Bearer ([A-Za-z0-9._~+/=-]{16,512})$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw new ProtegoError('TOKEN_INVALID', 'no bearer token');
    const hash = createHash('sha256').update(token).digest();
    let found: string | undefined;
    // Every token is compared, so that the time tells nothing about which one matched.
    for (const candidate of this.#tokens) if (timingSafeEqual(candidate.hash, hash)) found = candidate.source;
    if (found === undefined) throw new ProtegoError('TOKEN_INVALID', 'bearer token is not known');
    return found;
  }
}
