import { argon2d, argon2i, argon2id, hash } from 'argon2';
import { ProtegoError, messageOf } from '@protego/contracts';

/** Variants of Argon2 (RFC 9106). Passphrases of this house use `argon2id` only. */
export type Argon2Variant = 'argon2d' | 'argon2i' | 'argon2id';

/** Cost of one Argon2 hash (RFC 9106, section 3.1). */
export interface Argon2Cost {
  /** Memory, KiB: at least eight for each lane. */
  readonly memoryKib: number;
  /** Number of passes over the memory. */
  readonly passes: number;
  readonly lanes: number;
}

/** What one Argon2 hash is made of. */
export interface Argon2Input extends Argon2Cost {
  readonly password: Buffer;
  /** 8 bytes or more. */
  readonly salt: Buffer;
  /** Length of the hash, 4 to 1,024 bytes. */
  readonly bytes: number;
  readonly variant?: Argon2Variant;
  /** 19 (`0x13`, RFC 9106) unless told; 16 is the one before it. */
  readonly version?: 16 | 19;
  /** A key beside the password. */
  readonly secret?: Buffer;
  readonly associatedData?: Buffer;
}

/** Most that one hash may cost, so that no stored parameter can exhaust the machine. */
export const ARGON2_COST_MAX: Argon2Cost = { memoryKib: 1_048_576, passes: 64, lanes: 16 };

const TYPES = { argon2d, argon2i, argon2id } as const;
const SALT_BYTES_MIN = 8;
const HASH_BYTES = { min: 4, max: 1024 };
const KIB_PER_LANE_MIN = 8;

/**
 * Raw Argon2 hash; it is computed beside the event loop.
 *
 * @throws ProtegoError `CRYPTO_UNSUPPORTED` for parameters outside RFC 9106 or beyond {@link ARGON2_COST_MAX}
 */
export async function argon2Hash(input: Argon2Input): Promise<Buffer> {
  mustBeSupported(input);
  const { password, salt, bytes, variant = 'argon2id', version = 19, secret, associatedData } = input;
  try {
    return await hash(password, {
      raw: true,
      type: TYPES[variant],
      version,
      salt,
      hashLength: bytes,
      memoryCost: input.memoryKib,
      timeCost: input.passes,
      parallelism: input.lanes,
      ...(secret === undefined ? {} : { secret }),
      ...(associatedData === undefined ? {} : { associatedData }),
    });
  } catch (cause) {
    throw new ProtegoError('CRYPTO_UNSUPPORTED', `Argon2 was refused: ${messageOf(cause)}`, {}, { cause });
  }
}

function mustBeSupported({ memoryKib, passes, lanes, salt, bytes, variant, version }: Argon2Input): void {
  const max = ARGON2_COST_MAX;
  const inRange = (value: number, least: number, most: number): boolean =>
    Number.isInteger(value) && value >= least && value <= most;
  const problems = [
    !inRange(lanes, 1, max.lanes) && `lanes \`${lanes}\``,
    !inRange(passes, 1, max.passes) && `passes \`${passes}\``,
    !inRange(memoryKib, KIB_PER_LANE_MIN * lanes, max.memoryKib) && `memory of \`${memoryKib}\` KiB`,
    !inRange(bytes, HASH_BYTES.min, HASH_BYTES.max) && `hash of \`${bytes}\` bytes`,
    salt.length < SALT_BYTES_MIN && `salt of \`${salt.length}\` bytes`,
    variant !== undefined && !(variant in TYPES) && `variant \`${variant}\``,
    version !== undefined && version !== 16 && version !== 19 && `version \`${String(version)}\``,
  ].filter((problem) => problem !== false);
  if (problems.length === 0) return;
  throw new ProtegoError('CRYPTO_UNSUPPORTED', `Argon2 does not take this: ${problems.join(', ')}`, { problems });
}
