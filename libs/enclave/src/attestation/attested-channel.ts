import { hash } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';
import { deriveKey } from '../key-derivation';
import { type LaunchedEnclave } from '../platform/platform';
import { AES_GCM_NONCE_BYTES, AES_GCM_TAG_BYTES, openAesGcm, sealAesGcm } from '../primitives/aes-gcm';
import { X25519KeyPair } from '../primitives/x25519';
import { type QuoteRequest } from './quote';
import { type AttestationResult } from './verify-quote';

/** Longest message of one frame, bytes. */
export const CHANNEL_MESSAGE_BYTES_MAX = 1024 * 1024;

const KEY_BYTES = 32;
const SEQUENCE_BYTES = 8;
/** Frames of one direction; far below what a key of AES-GCM can bear. */
const FRAMES_MAX = 2 ** 32;

interface ChannelKeys {
  readonly toEnclave: Buffer;
  readonly toVerifier: Buffer;
}

/**
 * A channel between a verifier and the enclave whose quote it appraised: X25519 (RFC 7748) between the key in the
 * quote and one of the verifier, HKDF over it, the nonce, the quote and both keys, and AES-256-GCM with one key each
 * way.
 *
 * The verifier knows the enclave; the enclave does not know the verifier, until what it is told proves who that is.
 * Each frame opens once and in order. The first one that does not closes the channel.
 */
export class AttestedChannel {
  readonly #sendKey: Buffer;
  readonly #receiveKey: Buffer;
  #sent = 0;
  #received = 0;
  #isClosed = false;

  private constructor(sendKey: Buffer, receiveKey: Buffer) {
    this.#sendKey = sendKey;
    this.#receiveKey = receiveKey;
  }

  /**
   * The verifier's side, and the key of 32 bytes that the enclave needs for its own.
   *
   * @throws ProtegoError `CRYPTO_REFUSED` when the key in the quote has small order
   */
  static forVerifier({ channelKey, nonce, quoteHash }: AttestationResult): {
    channel: AttestedChannel;
    publicKey: Buffer;
  } {
    const pair = new X25519KeyPair();
    const { publicKey } = pair;
    try {
      const shared = pair.agree(channelKey);
      const keys = channelKeys(shared, nonce, [quoteHash, channelKey, publicKey]);
      return { channel: new AttestedChannel(keys.toEnclave, keys.toVerifier), publicKey };
    } finally {
      pair.wipe();
    }
  }

  /**
   * The enclave's side, for the key pair that was made for the quote; the pair is wiped.
   *
   * @throws ProtegoError `CRYPTO_REFUSED` when the verifier's key has small order; `CRYPTO_UNSUPPORTED` for another length
   */
  static forEnclave(pair: X25519KeyPair, quote: string, nonce: Buffer, verifierKey: Buffer): AttestedChannel {
    try {
      const shared = pair.agree(verifierKey);
      const quoteHash = Buffer.from(hash('sha256', quote, 'hex'), 'hex');
      const keys = channelKeys(shared, nonce, [quoteHash, pair.publicKey, verifierKey]);
      return new AttestedChannel(keys.toVerifier, keys.toEnclave);
    } finally {
      pair.wipe();
    }
  }

  /**
   * A frame with a message of at most 1 MiB: number (u64, big-endian), ciphertext, tag.
   *
   * @throws ProtegoError `ATTESTATION_CHANNEL` when the channel is closed or used up, and for a longer message
   */
  seal(message: Buffer): Buffer {
    this.#mustBeOpen();
    if (message.length > CHANNEL_MESSAGE_BYTES_MAX || this.#sent >= FRAMES_MAX) {
      throw refused(`it cannot send ${message.length} bytes as frame ${this.#sent}`);
    }
    const number = sequenceBytes(this.#sent++);
    const nonce = nonceOf(number);
    return Buffer.concat([number, sealAesGcm({ key: this.#sendKey, nonce, additionalData: number }, message)]);
  }

  /**
   * The message of the next frame; the caller wipes it.
   *
   * @throws ProtegoError `ATTESTATION_CHANNEL` when the frame was altered, repeated, left out or reordered: the
   *   channel is closed then
   */
  open(frame: Buffer): Buffer {
    this.#mustBeOpen();
    const number = sequenceBytes(this.#received);
    const isNext = frame.subarray(0, SEQUENCE_BYTES).equals(number);
    const longest = SEQUENCE_BYTES + CHANNEL_MESSAGE_BYTES_MAX + AES_GCM_TAG_BYTES;
    try {
      if (!isNext || frame.length > longest) throw refused(`frame ${this.#received} was expected`);
      const sealed = frame.subarray(SEQUENCE_BYTES);
      const nonce = nonceOf(number);
      const message = openAesGcm({ key: this.#receiveKey, nonce, additionalData: number }, sealed);
      this.#received++;
      return message;
    } catch (cause) {
      this.close();
      if (cause instanceof ProtegoError && cause.code === 'ATTESTATION_CHANNEL') throw cause;
      throw refused(`frame ${this.#received} does not open`, cause);
    }
  }

  /** Wipes the keys. */
  close(): void {
    this.#isClosed = true;
    this.#sendKey.fill(0);
    this.#receiveKey.fill(0);
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw refused('it is closed');
  }
}

/** What an enclave offers a verifier: a quote, and once it has been appraised, a channel. */
export interface ChannelOffer {
  /** To send to the verifier. */
  readonly quote: string;
  /**
   * Opens the channel, once.
   *
   * @param verifierKey the verifier's key of 32 bytes
   * @throws ProtegoError `ATTESTATION_CHANNEL` the second time; `CRYPTO_REFUSED`, `CRYPTO_UNSUPPORTED` for a bad key
   */
  accept(verifierKey: Buffer): AttestedChannel;
  /** Wipes the key of an offer that is not taken up. */
  withdraw(): void;
}

/**
 * Answers a verifier's nonce with a quote whose key was made for this one channel.
 *
 * @throws ProtegoError `ATTESTATION_INVALID` for a request of another form; `ENCLAVE_CLOSED`
 */
export async function offerChannel(
  enclave: LaunchedEnclave,
  request: Omit<QuoteRequest, 'channelKey'>,
): Promise<ChannelOffer> {
  const pair = new X25519KeyPair();
  const nonce = Buffer.from(request.nonce);
  const quote = await enclave.quote({ ...request, nonce, channelKey: pair.publicKey });
  let isTaken = false;
  return {
    quote,
    accept(verifierKey) {
      if (isTaken) throw refused('its offer was taken or withdrawn');
      isTaken = true;
      return AttestedChannel.forEnclave(pair, quote, nonce, verifierKey);
    },
    withdraw() {
      isTaken = true;
      pair.wipe();
    },
  };
}

function channelKeys(shared: Buffer, nonce: Buffer, transcript: readonly Buffer[]): ChannelKeys {
  const context = Buffer.concat(transcript);
  const derived = deriveKey(shared, 'attested-channel/1', 2 * KEY_BYTES, { salt: nonce, context });
  shared.fill(0);
  return { toEnclave: derived.subarray(0, KEY_BYTES), toVerifier: derived.subarray(KEY_BYTES) };
}

function sequenceBytes(number: number): Buffer {
  const bytes = Buffer.alloc(SEQUENCE_BYTES);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
}

/** Four zero bytes and the number of the frame: each key is used for one direction of one channel. */
function nonceOf(number: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(AES_GCM_NONCE_BYTES - SEQUENCE_BYTES), number]);
}

function refused(problem: string, cause?: unknown): ProtegoError {
  return new ProtegoError('ATTESTATION_CHANNEL', `the attested channel is refused: ${problem}`, {}, { cause });
}
