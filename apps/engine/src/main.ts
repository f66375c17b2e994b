import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { ProtegoError, isProtegoError, messageOf, parseConfig } from '@protego/contracts';
import { isFreedMemoryOverwritten } from '@protego/enclave';
import { startEngine, type Engine } from './engine';

const HELP = `protego-engine: the writer of the event log

usage: node dist/apps/engine/src/main.js [CONFIG]

CONFIG is a protego.yaml (default: ./protego.yaml); docs/reference/configuration.md lists its keys.
Prints one line of JSON when it is ready: {"ready":true,"url":…,"records":…}.
exit: 0 stopped on request, 2 usage or configuration, 3 anything else: log locked, bus unreachable, disk failed

example: node dist/apps/engine/src/main.js protego.yaml`;

const STOP_MS_MAX = 8_000;
const FREED_MEMORY =
  'native memory that is freed keeps what was in it: start the engine with GLIBC_TUNABLES=glibc.malloc.perturb=165:glibc.malloc.tcache_count=0';

let engine: Engine | undefined;
let isStopping = false;

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return void process.stdout.write(`${HELP}\n`);
  const path = args[0] ?? 'protego.yaml';
  if (!isFreedMemoryOverwritten(process.env)) process.stderr.write(`${JSON.stringify({ warning: FREED_MEMORY })}\n`);
  engine = await startEngine(parseConfig(readConfig(path), path, process.env), fail);
  process.stdout.write(`${JSON.stringify({ ready: true, url: engine.url, records: engine.records })}\n`);
}

function readConfig(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ProtegoError(
      'CONFIG_INVALID',
      `cannot read \`${path}\`: ${messageOf(error).toLowerCase()}`,
      { path },
      { cause: error },
    );
  }
}

async function stop(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  // What is acknowledged is durable already: rather end without a goodbye than become an orphan that holds the log.
  setTimeout(() => fail(new ProtegoError('INTERNAL', 'the engine did not stop in time')), STOP_MS_MAX).unref();
  await engine?.stop();
  process.exit(0);
}

function fail(reason: unknown): never {
  const code = isProtegoError(reason) ? reason.code : 'INTERNAL';
  process.stderr.write(
    `${JSON.stringify({ code, message: messageOf(reason), ...(isProtegoError(reason) ? { help: reason.help } : {}) })}\n`,
  );
  process.exit(isProtegoError(reason) && reason.origin === 'caller' ? 2 : 3);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop().catch(fail));
// A parent that was killed closes the channel: an engine without its parent would be an orphan.
if (process.send !== undefined) process.on('disconnect', () => void stop().catch(fail));
process.on('unhandledRejection', fail);
main(process.argv.slice(2)).catch(fail);
