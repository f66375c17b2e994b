import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { ProtegoError } from '@protego/contracts';
import type { LogKeys } from '@protego/enclave';

const MAGIC = Buffer.from('PTGSTAT1', 'latin1');
const ALGORITHM = 'aes-256-gcm';
const SALT_BYTES = 32;
const TAG_BYTES = 16;
const KEY_ID_AT = MAGIC.length;
const SALT_AT = KEY_ID_AT + 4;
const HEAD_BYTES = SALT_AT + SALT_BYTES;
/** Each state has a key of its own, so that one nonce serves all. */
const NONCE = Buffer.alloc(12);
/** Most bytes of a state when it is opened. */
export const STATE_BYTES_MAX = 2_147_483_648;

/** The log whose keys seal states. */
export interface SealingLog {
  readonly keys: LogKeys;
  /** 16 bytes. */
  readonly logId: Buffer;
}

/**
 * Seals the state of a pipeline, which holds pseudonyms of persons: magic, number of the data key (u32), salt (32 bytes), then
 * AES-256-GCM (NIST SP 800-38D) over the state compressed with DEFLATE (RFC 1951). The key is derived from the data key with the
 * random salt, as that of a writer session is.
 *
 * @param name - what the state is of; it opens under no other name
 */
export function sealState({ keys, logId }: SealingLog, name: string, state: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt32BE(keys.dataKeyId, KEY_ID_AT);
  randomBytes(SALT_BYTES).copy(head, SALT_AT);
  const cipher = createCipheriv(ALGORITHM, keyOf({ keys, logId }, head), NONCE);
  cipher.setAAD(boundTo(head, name));
  const sealed = cipher.update(deflateRawSync(state, { level: 1 }));
  cipher.final();
  return Buffer.concat([head, sealed, cipher.getAuthTag()]);
}

/**
 * Opens what {@link sealState} sealed.
 *
 * @throws ProtegoError `REPLAY_STATE_INVALID` when it was altered, or is of another name or log; `LOG_KEY_MISSING`
 */
export function openState(log: SealingLog, name: string, bytes: Buffer): Buffer {
  if (bytes.length < HEAD_BYTES + TAG_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged();
  const head = bytes.subarray(0, HEAD_BYTES);
  const decipher = createDecipheriv(ALGORITHM, keyOf(log, head), NONCE, { authTagLength: TAG_BYTES });
  decipher.setAAD(boundTo(head, name));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  const plain = decipher.update(bytes.subarray(HEAD_BYTES, bytes.length - TAG_BYTES));
  try {
    decipher.final();
  } catch {
    throw damaged();
  }
  return inflateRawSync(plain, { maxOutputLength: STATE_BYTES_MAX });
}

function keyOf({ keys, logId }: SealingLog, head: Buffer): Buffer {
  return keys.blockKey(head.readUInt32BE(KEY_ID_AT), logId, Buffer.from(head.subarray(SALT_AT, HEAD_BYTES)));
}

function boundTo(head: Buffer, name: string): Buffer {
  return Buffer.concat([Buffer.from('protego/pipeline-state/1\n'), head, Buffer.from(name, 'utf8')]);
}

function damaged(): ProtegoError {
  return new ProtegoError('REPLAY_STATE_INVALID', 'the state of a pipeline was altered, or is of another log or run');
}
