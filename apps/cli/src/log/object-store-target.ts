import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ReadableStreamDefaultReader, ReadableStreamReadResult } from 'node:stream/web';
import { ProtegoError, messageOf } from '@protego/contracts';
import { invalidBackup, type BackupTarget } from '@protego/event-log';
import { connect, headers, type NatsConnection, type ObjectInfo, type ObjectStore } from 'nats';
import { ObjectStoreChunks, UPLOAD_PREFIX } from './object-store-chunks';

/** Most bytes of one message of an object: what a server takes by default, with room to spare. */
const CHUNK_BYTES = 128 << 10;
/** Most messages that the server has not confirmed yet. */
const SENT_MAX = 16;
/** How long a server may send nothing of an object. */
const READ_PAUSE_MS_MAX = 30_000;
/** How the client says that the content of an object has not the digest that its metadata names. */
const DIGEST_WRONG = /digests do not match/;

const LOCATION = /^(nats|tls):\/\/(?:([^:@/]+):([^@/]+)@)?([^@/]+)\/([A-Za-z0-9_-]+)$/;
const CONNECT_TIMEOUT_MS = 5_000;
/** Where the user comes from when the location names none: a location is kept, credentials are not. */
const USER_VARIABLE = 'PROTEGO_BACKUP_USER';
const PASSWORD_FILE_VARIABLE = 'PROTEGO_BACKUP_PASSWORD_FILE';

/** Keeps backups in an object store of JetStream, on the server's disk. */
export class ObjectStoreTarget implements BackupTarget {
  private constructor(
    /** The location without credentials. */
    readonly location: string,
    private readonly bucket: string,
    private readonly connection: NatsConnection,
    private readonly store: ObjectStore,
    private readonly chunks: ObjectStoreChunks,
  ) {}

  /**
   * Connects to the server and opens the bucket, which is made when it is missing. The user must be allowed to manage the
   * stream `OBJ_<bucket>` and to publish to `$O.<bucket>.>`.
   *
   * @param location `nats://[user:password@]host:port/bucket`, or `tls://…`; without a user, the environment names one:
   *   `PROTEGO_BACKUP_USER` and `PROTEGO_BACKUP_PASSWORD_FILE`
   * @throws ProtegoError `USAGE_INVALID`, `NATS_UNAVAILABLE`
   */
  static async open(location: string): Promise<ObjectStoreTarget> {
    const [, scheme = '', user, password, server = '', bucket = ''] = LOCATION.exec(location) ?? [];
    if (bucket === '') throw new ProtegoError('USAGE_INVALID', 'an object store is named as nats://host:port/bucket');
    const servers = `${scheme}://${server}`;
    return onBus(`open the bucket \`${bucket}\` on \`${servers}\``, async () => {
      const named = user === undefined ? credentialsOf(process.env) : { user: decoded(user), pass: decoded(password) };
      const connection = await connect({ servers, ...named, timeout: CONNECT_TIMEOUT_MS, maxReconnectAttempts: 3 });
      try {
        const store = await connection.jetstream().views.os(bucket, { description: 'Backups of a Protego event log' });
        const manager = await connection.jetstreamManager();
        const chunks = new ObjectStoreChunks(bucket, store, manager);
        return new ObjectStoreTarget(`${servers}/${bucket}`, bucket, connection, store, chunks);
      } catch (cause) {
        await connection.close();
        throw cause;
      }
    });
  }

  async list(prefix: string): Promise<string[]> {
    const entries = await onBus('list a backup', () => this.chunks.metadata());
    return entries.filter(({ deleted, name }) => !deleted && name.startsWith(prefix)).map(({ name }) => name);
  }

  /**
   * @throws ProtegoError `BACKUP_INVALID` when messages of the object are gone, or not what was written;
   *   `NATS_UNAVAILABLE`, also when the server sends nothing for {@link READ_PAUSE_MS_MAX}
   */
  async read(name: string): Promise<AsyncIterable<Buffer> | undefined> {
    const action = `read \`${name}\``;
    const found = await onBus(action, async () => {
      const info = await this.store.info(name);
      if (info === null || info.deleted) return null;
      // Of what is not there at all a consumer waits for ever.
      await this.mustBeWhole(info);
      return this.store.get(name);
    });
    return found === null ? undefined : this.pieces(name, found.data.getReader());
  }

  /** The content that the name had before is erased once the new one is there. */
  async write(name: string, content: AsyncIterable<Buffer>): Promise<void> {
    await onBus(`write \`${name}\``, async () => {
      const before = await this.store.info(name);
      await this.put(name, UPLOAD_PREFIX + newId(), content);
      if (before !== null && !before.deleted) await this.chunks.erase(before.nuid);
    });
  }

  /**
   * The new content is stored first, under an id of its own. Then the server writes random bytes over all that no name
   * leads to: the old content, and what calls that were cut off have left. A crash between the two leaves the old content
   * where no restore finds it, and the next call erases it.
   */
  async overwrite(name: string, content: Buffer): Promise<void> {
    await onBus(`write \`${name}\``, async () => {
      await this.chunks.eraseUnnamed();
      await this.put(name, newId(), [content]);
      await this.chunks.eraseUnnamed();
    });
  }

  async remove(name: string): Promise<void> {
    await onBus(`remove \`${name}\``, async () => {
      if ((await this.store.info(name)) !== null) await this.store.delete(name);
    });
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  /** As the client does it, but with an id of our choice, and without a purge, which leaves the bytes on the disk. */
  private async put(name: string, id: string, content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    const stream = this.connection.jetstream();
    const chunkBytes = Math.min(CHUNK_BYTES, this.connection.info?.max_payload ?? CHUNK_BYTES);
    const hash = createHash('sha256');
    const sent: Promise<unknown>[] = [];
    let [size, chunks] = [0, 0];
    try {
      for await (const chunk of chunksOf(content, chunkBytes)) {
        hash.update(chunk);
        size += chunk.length;
        chunks++;
        await sent.at(-SENT_MAX);
        const confirmed = stream.publish(this.chunks.subjectOf(id), chunk);
        // It is awaited below, perhaps some pieces later.
        confirmed.catch(() => undefined);
        sent.push(confirmed);
      }
      await Promise.all(sent);
    } catch (cause) {
      await Promise.allSettled(sent);
      // What cannot be erased now no name leads to: the next call erases it.
      await this.chunks.erase(id).catch(() => undefined);
      throw cause;
    }
    const head = { name, description: '', options: { max_chunk_size: chunkBytes }, bucket: this.bucket, nuid: id };
    const digest = `SHA-256=${base64Url(hash.digest())}`;
    const info = { ...head, size, chunks, mtime: new Date().toISOString(), digest, deleted: false };
    const replacing = headers();
    replacing.set('Nats-Rollup', 'sub');
    const subject = `$O.${this.bucket}.M.${base64Url(Buffer.from(name))}`;
    await stream.publish(subject, JSON.stringify(info), { headers: replacing });
    await this.mustBeWhole(info);
  }

  private async mustBeWhole({ name, nuid, chunks }: Pick<ObjectInfo, 'name' | 'nuid' | 'chunks'>): Promise<void> {
    const count = await this.chunks.countOf(nuid);
    if (count >= chunks) return;
    throw invalidBackup(this, `\`${name}\` is not whole: ${count} of its ${chunks} messages are there`);
  }

  private async *pieces(name: string, reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Buffer> {
    try {
      for (let next = await soon(name, reader); !next.done; next = await soon(name, reader)) {
        yield Buffer.from(next.value);
      }
    } catch (cause) {
      if (DIGEST_WRONG.test(messageOf(cause))) throw invalidBackup(this, `\`${name}\` is not what was written`);
      throw unavailable(`read \`${name}\``, cause);
    } finally {
      // A stream that has failed says so again.
      await reader.cancel().catch(() => undefined);
    }
  }
}

/** The next piece, or an error when it does not come. */
async function soon(
  name: string,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `cannot read \`${name}\`: the server has sent nothing for ${READ_PAUSE_MS_MAX / 1_000} seconds`;
    timer = setTimeout(() => reject(new ProtegoError('NATS_UNAVAILABLE', message)), READ_PAUSE_MS_MAX);
  });
  try {
    return await Promise.race([reader.read(), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function* chunksOf(
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
  chunkBytes: number,
): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  for await (const piece of content) {
    let rest = piece;
    while (bytes + rest.length >= chunkBytes) {
      yield Buffer.concat([...held, rest.subarray(0, chunkBytes - bytes)]);
      rest = rest.subarray(chunkBytes - bytes);
      [held, bytes] = [[], 0];
    }
    if (rest.length > 0) held.push(rest);
    bytes += rest.length;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

function newId(): string {
  return randomBytes(16).toString('hex');
}

/** With padding, as object stores write names and digests. */
function base64Url(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

function credentialsOf(environment: NodeJS.ProcessEnv): { user?: string; pass?: string } {
  const user = environment[USER_VARIABLE];
  const file = environment[PASSWORD_FILE_VARIABLE];
  if (user === undefined) return {};
  return { user, ...(file === undefined ? {} : { pass: readFileSync(file, 'utf8').trim() }) };
}

function decoded(text: string | undefined): string {
  return decodeURIComponent(text ?? '');
}

async function onBus<T>(action: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    throw unavailable(action, cause);
  }
}

function unavailable(action: string, cause: unknown): unknown {
  if (cause instanceof ProtegoError) return cause;
  return new ProtegoError('NATS_UNAVAILABLE', `cannot ${action}: ${messageOf(cause)}`, {}, { cause });
}
