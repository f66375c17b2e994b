import { join } from 'node:path';
import { canonicalJson, isProtegoError, messageOf, type ErrorCode } from '@protego/contracts';
import type { LogKeys } from '@protego/enclave';
import { readIfThere } from '../files-if-there';
import {
  IDENTITY_FILE,
  LOG_FORMAT,
  identityIn,
  readIdentity,
  requireFittingKeys,
  type LogIdentity,
} from '../log-identity';
import { verifierKeyOf } from '../tree/signed-note';
import type { ProblemList } from './verify-report';

/**
 * What `log.json` says; undefined, and a problem, when it cannot be used.
 *
 * @throws ProtegoError `LOG_NOT_FOUND`
 */
export function verifiedIdentity(
  options: {
    readonly directory: string;
    readonly keys: LogKeys;
    readonly verifierKey?: string;
    readonly logJson?: Buffer;
  },
  problems: ProblemList,
): LogIdentity | undefined {
  const { directory, keys, verifierKey, logJson } = options;
  const path = join(directory, IDENTITY_FILE);
  const report = (code: ErrorCode, message: string): void =>
    problems.add({ code, kind: 'identity', file: 'log.json', message });
  let identity: LogIdentity;
  try {
    identity = logJson === undefined ? readIdentity(directory) : identityIn(logJson, path);
  } catch (cause) {
    if (!isProtegoError(cause) || cause.code === 'LOG_NOT_FOUND') throw cause;
    report(cause.code, messageOf(cause));
    return undefined;
  }
  const { origin, logId } = identity;
  const text = canonicalJson({
    format: LOG_FORMAT,
    logId: logId.toString('hex'),
    origin,
    verifierKey: identity.verifierKey,
  });
  if (String(logJson ?? readIfThere(path)) !== `${text}\n`) {
    report('LOG_BLOCK_CORRUPT', '`log.json` is not what the log writes');
  }
  try {
    requireFittingKeys(directory, identity, keys);
  } catch (cause) {
    report('LOG_KEY_MISSING', messageOf(cause));
    return undefined;
  }
  const own = verifierKeyOf(origin, keys.signer.publicKey);
  if (verifierKey !== undefined && verifierKey !== own) {
    const message = 'the log is signed with another key than the given one';
    problems.add({ code: 'LOG_CHECKPOINT_INVALID', kind: 'checkpoint', message });
  }
  return identity;
}
