/** Letter of a key's class in tokens: staff, patients, and the keys of a source and month. */
export type TokenClass = 's' | 'p' | 'm';

/** A key and whom, or which source and month, it belongs to. */
export interface KeyOwner {
  /** 16 bytes. */
  readonly keyId: Buffer;
  /** 32 bytes; zeros once it was destroyed. */
  readonly key: Buffer;
  /** 32 bytes that enter the content hashes of what the key seals, and go with it. */
  readonly contentSecret: Buffer;
  readonly tokenClass: TokenClass;
  readonly token: string;
  /** Tokens of other names of the person. */
  aliasTokens: ReadonlySet<string>;
  /** Slots of the vault that hold the key and the names. */
  readonly slots: number[];
  /** Whether the key ring gives this owner out for the token; false for ever once the key was destroyed. */
  isCurrent: boolean;
}
