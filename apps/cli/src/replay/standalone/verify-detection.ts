import { readFileSync } from 'node:fs';
import { EvidenceError, receiverPrivateKey } from '@protego/event-log/standalone';
import { verifyProof } from '@protego/replay/standalone';
import { proofWords } from '../proof-words';

// The whole program is one file once it is bundled: rules, detectors and proofs are the very code that raised the detection.

/** SHA-256 of the code that decides what rules find; put in when the program is bundled. */
declare const PROTEGO_ENGINE_HASH: string | undefined;

const USAGE = `usage: node verify-detection.js FILE [--key VERIFIER-KEY] [--against CHECKPOINT-FILE] [--open PRIVATE-KEY-FILE] [--json]

Checks the proof of one detection: that its events stand in the signed log unaltered, and that the rule, run again on them,
makes exactly this detection. VERIFIER-KEY is the public key of the log, as whoever runs it publishes it.
Exit code 0: VALID; 1: INVALID, or PARTIAL where not everything is proven; 2: wrong use.
`;

interface Arguments {
  readonly file: string;
  readonly options: Readonly<Record<string, string | undefined>>;
  readonly isJson: boolean;
}

const WITH_VALUE = new Set(['--key', '--against', '--open']);

function parseArguments(argv: readonly string[]): Arguments | undefined {
  const files: string[] = [];
  const options: Record<string, string | undefined> = {};
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (WITH_VALUE.has(word)) options[word] = argv[++i] ?? '';
    else if (word === '--json') options[word] = word;
    else if (word.startsWith('-')) return undefined;
    else files.push(word);
  }
  const [file, ...others] = files;
  if (file === undefined || others.length > 0 || Object.values(options).includes('')) return undefined;
  return { file, options, isJson: '--json' in options };
}

async function run(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv);
  if (parsed === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { file, options, isJson } = parsed;
  try {
    const { '--key': verifierKey, '--against': against, '--open': open } = options;
    const report = await verifyProof(readFileSync(file), {
      engine: typeof PROTEGO_ENGINE_HASH === 'string' ? PROTEGO_ENGINE_HASH : '',
      ...(verifierKey === undefined ? {} : { verifierKey }),
      ...(against === undefined ? {} : { against: readFileSync(against, 'utf8') }),
      ...(open === undefined ? {} : { privateKey: receiverPrivateKey(readFileSync(open, 'utf8')) }),
    });
    const { json, lines } = proofWords(report);
    process.stdout.write(isJson ? `${JSON.stringify(json)}\n` : `${lines.join('\n')}\n`);
    return report.verdict === 'VALID' ? 0 : 1;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const code = cause instanceof EvidenceError ? cause.code : undefined;
    if (isJson) process.stdout.write(`${JSON.stringify({ ok: false, code, message })}\n`);
    else process.stderr.write(`verify-detection: ${message}\n`);
    return 2;
  }
}

run(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (cause: unknown) => {
    process.stderr.write(`verify-detection: ${String(cause)}\n`);
    process.exitCode = 3;
  },
);
