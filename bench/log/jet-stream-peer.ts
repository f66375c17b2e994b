import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@protego/contracts';
import { StorageType, connect, type JetStreamClient, type JetStreamManager, type NatsConnection } from 'nats';
import { findNatsServer } from '../../apps/cli/src/up/nats-binary';
import { NatsServer } from '../../apps/cli/src/up/nats-server';
import type { Say } from '../bench-case';
import { CACHE, scratchDirectory } from '../places';
import { ratePerSecond } from '../rounds';

const STREAM = 'BENCH';
const SUBJECT = 'bench.events';
/** Publishes that wait for their acknowledgement; more make this client no faster. */
const IN_FLIGHT = 1_024;

/** When the server syncs what it stores: by default every two minutes, else before each acknowledgement. */
export type JetStreamSync = 'by default' | 'always';

/**
 * Why there is no server here that syncs before it acknowledges; undefined when there is one. Versions before 2.10 take
 * `always` for a duration and do not start.
 */
export function syncAlwaysMissing(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'protego-nats-'));
  try {
    const path = join(directory, 'nats-server.conf');
    writeFileSync(path, 'jetstream: {sync_interval: always}\n');
    const { status } = spawnSync(
      findNatsServer(CACHE, () => undefined),
      ['-t', '-c', path],
    );
    return status === 0 ? undefined : 'this nats-server does not know `sync_interval: always`';
  } catch (cause) {
    return messageOf(cause);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * The bus as a log: acknowledged publishes to a file stream of a nats-server of our own, encrypted at rest. By its default
 * the server acknowledges before the bytes are synced to the disk, which spares it what the log does.
 */
export class JetStreamPeer {
  private constructor(
    private readonly directory: string,
    private readonly server: NatsServer,
    private readonly connection: NatsConnection,
    private readonly streams: JetStreamManager,
    private readonly client: JetStreamClient,
    private readonly bodies: readonly Buffer[],
  ) {}

  /** Starts a server, or says why there is none. */
  static async start(
    bodies: readonly Buffer[],
    say: Say,
    sync: JetStreamSync = 'by default',
  ): Promise<JetStreamPeer | { readonly missing: string }> {
    const directory = scratchDirectory();
    let server: NatsServer | undefined;
    try {
      const password = randomBytes(16).toString('hex');
      const users = [{ name: 'bench', password, publish: ['>'], subscribe: ['>'] }];
      const found = findNatsServer(CACHE, say);
      const binary = sync === 'always' ? syncingServer(found, directory) : found;
      server = await NatsServer.start({ binary, directory, users });
      const connection = await connect({ servers: server.url, user: 'bench', pass: password });
      const streams = await connection.jetstreamManager();
      await streams.streams.add({ name: STREAM, subjects: [SUBJECT], storage: StorageType.File });
      return new JetStreamPeer(directory, server, connection, streams, connection.jetstream(), bodies);
    } catch (cause) {
      await server?.stop();
      rmSync(directory, { recursive: true, force: true });
      return { missing: messageOf(cause) };
    }
  }

  /** Events per second until the last acknowledgement. */
  async publishAll(): Promise<number> {
    await this.streams.streams.purge(STREAM);
    const startMs = performance.now();
    let next = 0;
    const publishInTurn = async (): Promise<void> => {
      for (let n = next++; n < this.bodies.length; n = next++) await this.client.publish(SUBJECT, this.bodies[n]);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, publishInTurn));
    const elapsedMs = performance.now() - startMs;
    const { state } = await this.streams.streams.info(STREAM);
    if (state.messages !== this.bodies.length)
      throw new Error(`the stream holds ${state.messages} of ${this.bodies.length} events`);
    return ratePerSecond(this.bodies.length, elapsedMs);
  }

  /** Ends connection and server, and removes what it stored. */
  async stop(): Promise<void> {
    await this.connection.close();
    await this.server.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A program that starts the server with one setting more than the product gives it. */
function syncingServer(binary: string, directory: string): string {
  const path = join(directory, 'syncing-nats-server');
  // Called with `-c FILE`.
  const script = `#!/bin/sh\nsed -i 's/^jetstream: {/&sync_interval: always, /' "$2"\nexec '${binary}' "$@"\n`;
  writeFileSync(path, script, { mode: 0o700 });
  return path;
}
