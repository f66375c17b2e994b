/** Signs notes (C2SP signed-note) with Ed25519 (RFC 8032). */
export interface NoteSigner {
  /** Raw public key, 32 bytes. */
  readonly publicKey: Buffer;
  /** Signature of 64 bytes. The key may be in another process: whoever asks must keep what it orders in order. */
  sign(message: Buffer): Promise<Buffer>;
}

/**
 * Keys of one log, whoever holds them: an enclave, or the process itself. Nothing here gives the root secret away.
 */
export interface LogKeys {
  /**
   * Number of the data key that new blocks are sealed under. It grows with each rotation, and only once the new number is
   * durable: a writer that looks before each write never seals under a key that a crash takes back.
   */
  readonly dataKeyId: number;
  /**
   * Key of 32 bytes for the blocks of one writer session: HKDF-SHA256 (RFC 5869) over the data key, with the session's
   * random salt.
   *
   * @throws ProtegoError `LOG_KEY_MISSING` when there is no data key of this number
   */
  blockKey(dataKeyId: number, logId: Buffer, sessionSalt: Buffer): Buffer;
  /**
   * Learns of data keys that a writer elsewhere has made since these keys were opened; without it there are none to learn of.
   *
   * @throws ProtegoError `LOG_KEYS_DAMAGED`, `LOG_KEY_MISSING`; `LOG_CLOSED`, `ENCLAVE_LOST` when nobody can be asked
   */
  refresh?(): Promise<void>;
  /** Key of 16 bytes (SipHash-2-4) for the subject filters of blocks. */
  readonly subjectKey: Buffer;
  /** Key of 32 bytes for the hashes of the dedupe index. */
  readonly dedupeKey: Buffer;
  readonly signer: NoteSigner;
}
