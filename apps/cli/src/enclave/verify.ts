import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { ProtegoError, isProtegoError, messageOf, systemClock } from '@protego/contracts';
import {
  verifyQuote,
  type AppraisalPolicy,
  type AttestationKey,
  type AttestationResult,
  type EnclaveSigner,
} from '@protego/enclave';
import { EXIT_CHECK_FAILED } from '../exit-code';
import { ageOf } from '../log/age';
import { Terminal } from '../terminal';
import { numberOf } from '../commands/simulate.command';
import { EMULATED, EMULATED_LINE } from './emulated';
import { hashOf, nonceOf } from './hex';

interface VerifyQuoteOptions {
  readonly nonce: Buffer;
  readonly platformKey: readonly string[];
  readonly measurement?: readonly string[];
  readonly signer?: readonly string[];
  readonly minSecurityVersion?: number;
  readonly maxAge: number;
  readonly allowDebug: boolean;
  readonly json: boolean;
}

const MAX_AGE_MS = 300_000;
const MAX_AGE_TEXT = '5m';

/** `protego enclave verify`. */
export function verifyQuoteCommand(): Command {
  return new Command('verify')
    .description(
      'Check a quote: who signed it, for which nonce, how old it is, and whether it is of an enclave that you expect. Needs no log and no platform. Exit 1 when it is refused.',
    )
    .argument('<quote>', 'quote, or the file that holds it')
    .requiredOption('--nonce <hex>', 'the random bytes that the quote was asked for with', nonceOf)
    .requiredOption('--platform-key <jwk...>', 'public keys of trusted platforms, or files that hold them')
    .option('--measurement <hex...>', 'measurements that are expected')
    .option('--signer <id/product...>', 'authors (signer id in hex) and products that are expected')
    .option('--min-security-version <n>', 'least security version', numberOf('--min-security-version'))
    .option('--max-age <age>', `age beyond which a quote is stale (default: ${MAX_AGE_TEXT})`, maxAgeOf, MAX_AGE_MS)
    .option('--allow-debug', 'let an enclave pass that may be looked into', false)
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 the quote is genuine and as expected, 1 it is refused, 2 usage error, 3 internal error\nexample: protego enclave verify quote.jwt --nonce 00112233445566778899aabbccddeeff --platform-key platform.jwk --measurement "$EXPECTED"',
    )
    .action((quote: string, options: VerifyQuoteOptions) => verify(quote, options));
}

async function verify(quote: string, options: VerifyQuoteOptions): Promise<void> {
  const terminal = new Terminal(options.json);
  const policy = policyOf(options);
  try {
    const result = await verifyQuote(quoteText(quote), policy);
    terminal.result(resultOf(result), linesOf(result));
  } catch (error) {
    if (!isProtegoError(error) || !error.code.startsWith('ATTESTATION_')) throw error;
    const { code, message, details } = error;
    const refused = { ...EMULATED, ok: false, code, message, details };
    terminal.result(refused, [`NOT OK: ${message} (${code})`, EMULATED_LINE]);
    process.exitCode = EXIT_CHECK_FAILED;
  }
}

function policyOf(options: VerifyQuoteOptions): AppraisalPolicy {
  const { nonce, platformKey, measurement, signer, minSecurityVersion, maxAge: maxAgeMs, allowDebug } = options;
  // A quote that is only genuine says nothing: whoever has the platform can start any enclave on it.
  if (measurement === undefined && signer === undefined)
    throw new ProtegoError('USAGE_INVALID', 'say which enclave you expect, with --measurement, --signer or both');
  return {
    nonce,
    platformKeys: platformKey.map(keyOf),
    ...(measurement === undefined ? {} : { measurements: measurement.map((each) => hashOf(each, '--measurement')) }),
    ...(signer === undefined ? {} : { signers: signer.map(signerOf) }),
    ...(minSecurityVersion === undefined ? {} : { minSecurityVersion }),
    maxAgeMs,
    allowDebug,
    clock: systemClock,
  };
}

function quoteText(quote: string): string {
  return (existsSync(quote) ? readFileSync(quote, 'utf8') : quote).trim();
}

function keyOf(named: string): AttestationKey {
  const text = named.trimStart().startsWith('{') ? named : readFileSync(named, 'utf8');
  try {
    return JSON.parse(text) as AttestationKey;
  } catch (cause) {
    const message = `--platform-key is no JWK: ${messageOf(cause)}`;
    throw new ProtegoError('USAGE_INVALID', message, {}, { cause });
  }
}

function signerOf(named: string): EnclaveSigner {
  const [id = '', ...product] = named.split('/');
  return { signerId: hashOf(id, '--signer'), product: product.join('/') };
}

function maxAgeOf(text: string): number {
  return ageOf(text, '--max-age');
}

function resultOf(result: AttestationResult): object {
  const { signer } = result;
  return {
    ...EMULATED,
    ok: true,
    measurement: result.measurement.toString('hex'),
    debug: result.isDebug,
    platform: result.platformId.toString('hex'),
    securityVersion: result.securityVersion,
    ...(signer === undefined ? {} : { signer: { id: signer.signerId.toString('hex'), product: signer.product } }),
    software: result.software,
    memory: result.memory,
    issuedAt: new Date(result.issuedAtMs).toISOString(),
    expiresAt: new Date(result.expiresAtMs).toISOString(),
    checks: result.checks,
  };
}

function linesOf({ measurement, platformId, isDebug, memory, checks }: AttestationResult): string[] {
  return [
    `OK: ${checks.join(', ')}`,
    EMULATED_LINE,
    `measurement: ${measurement.toString('hex')}`,
    `debug: ${isDebug ? 'yes' : 'no'}`,
    `platform: ${platformId.toString('hex')}`,
    ...(memory.warning === undefined ? [] : [`warning: ${memory.warning}`]),
  ];
}
