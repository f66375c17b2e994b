import { readFileSync } from 'node:fs';
import { ProtegoError, messageOf } from '@protego/contracts';
import type { BackupTarget } from '@protego/event-log';
import {
  connect,
  type JetStreamManager,
  type MsgRequest,
  type NatsConnection,
  type ObjectStore,
  type ObjectStoreMeta,
  type StoredMsg,
} from 'nats';

/** Most bytes of one message of an object: what a server takes by default, with room to spare. */
const CHUNK_BYTES = 128 << 10;
const NO_MESSAGE = 10037;

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
    private readonly manager: JetStreamManager,
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
        return new ObjectStoreTarget(`${servers}/${bucket}`, bucket, connection, store, manager);
      } catch (cause) {
        await connection.close();
        throw cause;
      }
    });
  }

  async list(prefix: string): Promise<string[]> {
    const entries = await onBus('list a backup', () => this.store.list());
    return entries.filter(({ deleted, name }) => !deleted && name.startsWith(prefix)).map(({ name }) => name);
  }

  async read(name: string): Promise<AsyncIterable<Buffer> | undefined> {
    const found = await onBus(`read \`${name}\``, () => this.store.get(name));
    if (found === null) return undefined;
    const { data, error } = found;
    return (async function* () {
      const reader = data.getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield Buffer.from(next.value);
      // Undefined when the digest of the whole fits.
      const failure = await error;
      if (failure instanceof Error) throw unavailable(`read \`${name}\``, failure);
    })();
  }

  async write(name: string, content: AsyncIterable<Buffer>): Promise<void> {
    await onBus(`write \`${name}\``, () => this.store.put(metaOf(name), ReadableStream.from(content)));
  }

  /**
   * The server writes random bytes over the old content before the new one comes: a crash between the two leaves neither,
   * and the next backup puts it back.
   */
  async overwrite(name: string, content: Buffer): Promise<void> {
    await onBus(`write \`${name}\``, async () => {
      await this.eraseChunks(name);
      await this.store.putBlob(metaOf(name), content);
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

  private async eraseChunks(name: string): Promise<void> {
    const info = await this.store.info(name);
    if (info === null || info.deleted) return;
    const { bucket } = this;
    const stream = `OBJ_${bucket}`;
    const subject = `$O.${bucket}.C.${info.nuid}`;
    // Once the last message of a subject is gone, a server of version 2.9 does not find those before it by subject.
    let seq = (await this.messageOf(stream, { last_by_subj: subject }))?.seq ?? 0;
    for (let left = info.chunks; left > 0 && seq > 0; seq--) {
      if ((await this.messageOf(stream, { seq }))?.subject !== subject) continue;
      await this.manager.streams.deleteMessage(stream, seq, true);
      left--;
    }
  }

  private async messageOf(stream: string, query: MsgRequest): Promise<StoredMsg | undefined> {
    try {
      return await this.manager.streams.getMessage(stream, query);
    } catch (cause) {
      const { api_error } = cause as { api_error?: { err_code?: number } };
      if (api_error?.err_code === NO_MESSAGE) return undefined;
      throw cause;
    }
  }
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

function metaOf(name: string): ObjectStoreMeta {
  return { name, options: { max_chunk_size: CHUNK_BYTES } };
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
