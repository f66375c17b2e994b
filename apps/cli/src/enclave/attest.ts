import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { ProtegoError } from '@protego/contracts';
import { readQuoteClaims, type Enclave, type EnclaveInspection, type RootCustody } from '@protego/enclave';
import { Terminal } from '../terminal';
import { EMULATED, EMULATED_LINE } from './emulated';
import { nonceOf } from './hex';
import { rootLine } from './seal';
import {
  askEnclave,
  readingEnclave,
  withOwnEnclave,
  withRunningEnclave,
  type EnclaveOwner,
  type RunningEnclaveOptions,
} from './running-enclave';

interface AttestOptions extends RunningEnclaveOptions {
  readonly nonce?: Buffer;
  readonly out?: string;
  readonly debug: boolean;
}

interface Attested {
  readonly quote: string;
  /** What the enclave tells beside the quote. */
  readonly root: RootCustody;
}

const NONCE_BYTES = 32;

/** `protego enclave attest`. */
export function attestCommand(): Command {
  const command = new Command('attest').description(
    'Have the enclave of a log say who it is: prints a quote that `protego enclave verify` checks. Asks the enclave of the engine while the engine writes the log, else one that is started for it and reads.',
  );
  const example = 'protego enclave attest --log .protego/log --nonce 00112233445566778899aabbccddeeff --out quote.jwt';
  return withRunningEnclave(command, example)
    .option('--nonce <hex>', "the verifier's random bytes, 16 to 64 (default: drawn here, and printed)", nonceOf)
    .option('--out <file>', 'write the quote to a file')
    .option('--debug', 'start an enclave that may be looked into; its quote says so, and is refused', false)
    .action((options: AttestOptions) => attest(options));
}

async function attest(options: AttestOptions): Promise<void> {
  const nonce = options.nonce ?? randomBytes(NONCE_BYTES);
  const { owner, answer } = await quoteOf(options, nonce);
  const { quote, root } = answer;
  if (options.out !== undefined) writeFileSync(options.out, `${quote}\n`);
  const { measurement, platformId, isDebug, memory, expiresAtMs } = readQuoteClaims(quote);
  const result = {
    ...EMULATED,
    enclave: owner,
    measurement: measurement.toString('hex'),
    debug: isDebug,
    platform: platformId.toString('hex'),
    memory,
    root,
    nonce: nonce.toString('hex'),
    expiresAt: new Date(expiresAtMs).toISOString(),
    quote,
  };
  new Terminal(options.json).result(result, [
    EMULATED_LINE,
    `enclave: ${owner === 'engine' ? 'that of the engine' : 'started for this command, for reading'}`,
    `measurement: ${result.measurement}`,
    `debug: ${isDebug ? 'yes' : 'no'}`,
    `platform: ${result.platform}`,
    rootLine(root),
    ...(memory.warning === undefined ? [] : [`warning: ${memory.warning}`]),
    `nonce: ${result.nonce}`,
    `expires: ${result.expiresAt}`,
    options.out === undefined ? `quote: ${quote}` : `quote: written to ${options.out}`,
  ]);
}

async function quoteOf(options: AttestOptions, nonce: Buffer): Promise<{ owner: EnclaveOwner; answer: Attested }> {
  if (!options.debug) {
    const inEngine = { nonce: nonce.toString('hex') };
    return askEnclave(
      options,
      (enclave) => attestedBy(enclave, nonce),
      async (engine, origin) => {
        const { quote } = await engine.ask<{ quote: string }>(origin, 'enclave-attest', inEngine);
        const { root } = await engine.ask<EnclaveInspection>(origin, 'enclave-inspect', {});
        return { quote, root };
      },
    );
  }
  if (options.engine !== undefined)
    throw new ProtegoError('USAGE_INVALID', '--debug starts an enclave here: leave out --engine');
  const debugged = { ...readingEnclave(options), isDebug: true };
  return { owner: 'command', answer: await withOwnEnclave(debugged, (enclave) => attestedBy(enclave, nonce)) };
}

async function attestedBy(enclave: Enclave, nonce: Buffer): Promise<Attested> {
  const quote = await enclave.quote(nonce);
  return { quote, root: (await enclave.inspect()).root };
}
