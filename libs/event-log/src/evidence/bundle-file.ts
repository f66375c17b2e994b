import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import type { NoteSigner } from '@protego/enclave';
import { nodeFileLayer } from '../writer/file-layer';
import { writeFailure } from '../log-errors';
import { signedTextOf } from './standalone/verify-bundle';

/** Most bytes of a bundle: whoever verifies one reads it into memory. */
export const BUNDLE_BYTES_MAX = 1 << 30;
/** Version of the bundle layout that this code writes. */
export const BUNDLE_VERSION = 1;

const MAGIC = Buffer.from('\xf5PTGBND\n', 'latin1');
const HEADER_BYTES = 16;
const RECORD_HEAD_BYTES = 12;
const LENGTHS_BYTES = 32;
const CHUNK_BYTES = 1 << 20;

/** What follows the records of a bundle. */
export interface BundleTail {
  /** Hashes of the range proof, end to end. */
  readonly proof: Buffer;
  /** HPKE message with the record keys; empty without a receiver. */
  readonly sealedKeys: Buffer;
  /** Canonical JSON. */
  readonly manifest: Buffer;
}

/**
 * Writes a bundle from front to back; the records are not kept in memory. Until {@link BundleFile.finish} it stands under
 * another name and is not a bundle.
 */
export class BundleFile {
  private readonly whole: Hash = createHash('sha256');
  private readonly records: Hash = createHash('sha256');
  private chunks: Buffer[] = [];
  private chunkBytes = 0;
  private bytes = 0;

  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
  ) {}

  /** @throws ProtegoError `USAGE_INVALID` when a file of this name exists; `LOG_DISK_FULL`, `LOG_READ_ONLY`, `LOG_WRITE_FAILED` */
  static async create(path: string): Promise<BundleFile> {
    return onDisk(path, async () => {
      await refuseExisting(path);
      await rm(partOf(path), { force: true });
      const file = await open(partOf(path), constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
      const bundle = new BundleFile(path, file);
      const header = Buffer.alloc(HEADER_BYTES);
      MAGIC.copy(header);
      header.writeUInt32BE(BUNDLE_VERSION, 8);
      await bundle.write(header);
      return bundle;
    });
  }

  /** Adds a record; records come in order of seq. The leaf is copied or written before the call resolves. */
  async add(seq: number, leaf: Buffer): Promise<void> {
    const record = Buffer.allocUnsafe(RECORD_HEAD_BYTES + leaf.length);
    record.writeBigUInt64BE(BigInt(seq), 0);
    record.writeUInt32BE(leaf.length, 8);
    leaf.copy(record, RECORD_HEAD_BYTES);
    this.records.update(record);
    await this.write(record);
  }

  /** SHA-256 over the records so far. */
  recordsHash(): Buffer {
    return this.records.copy().digest();
  }

  /** Writes what follows the records and the signature, and puts the file in place, durably. Returns its bytes. */
  async finish({ proof, sealedKeys, manifest }: BundleTail, signer: NoteSigner): Promise<number> {
    const lengths = Buffer.alloc(LENGTHS_BYTES);
    const sizes = [this.bytes - HEADER_BYTES, proof.length, sealedKeys.length, manifest.length];
    for (const [i, size] of sizes.entries()) lengths.writeBigUInt64BE(BigInt(size), 8 * i);
    for (const part of [proof, sealedKeys, manifest, lengths]) await this.write(part);
    await this.write(await signer.sign(signedTextOf('evidence-bundle', this.whole.copy().digest())));
    return onDisk(this.path, async () => {
      await this.flush();
      await this.file.sync();
      await this.file.close();
      await refuseExisting(this.path);
      await rename(partOf(this.path), this.path);
      await nodeFileLayer.syncDirectory(dirname(this.path));
      return this.bytes;
    });
  }

  /** Gives up: nothing is left. */
  async discard(): Promise<void> {
    await this.file.close().catch(() => undefined);
    await rm(partOf(this.path), { force: true });
  }

  private async write(bytes: Buffer): Promise<void> {
    this.bytes += bytes.length;
    if (this.bytes > BUNDLE_BYTES_MAX) {
      const message = `the bundle would have more than ${BUNDLE_BYTES_MAX} bytes: narrow the selection`;
      throw new ProtegoError('USAGE_INVALID', message, { bytesMax: BUNDLE_BYTES_MAX });
    }
    this.whole.update(bytes);
    this.chunks.push(bytes);
    this.chunkBytes += bytes.length;
    if (this.chunkBytes >= CHUNK_BYTES) await onDisk(this.path, () => this.flush());
  }

  private async flush(): Promise<void> {
    const chunk = Buffer.concat(this.chunks);
    this.chunks = [];
    this.chunkBytes = 0;
    await this.file.writeFile(chunk);
  }
}

function partOf(path: string): string {
  return `${path}.part`;
}

async function refuseExisting(path: string): Promise<void> {
  const existing = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw cause;
  });
  if (existing === undefined) return;
  await existing.close();
  throw new ProtegoError('USAGE_INVALID', `\`${path}\` exists already: name another file`, { path });
}

async function onDisk<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    throw writeFailure(`write \`${path}\``, cause, { path });
  }
}
