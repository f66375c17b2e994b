import { ProtegoError } from '@protego/contracts';
import type { HouseKeys, HouseKeysOptions } from '../house-keys';
import type { CallChannel } from './call-channel';
import { CALLS } from './call-codec';
import { startProcesses } from './enclave-processes';
import { ENCLAVE_PROCESSES_MAX, type EnclaveStart, type OpenedKeys } from './enclave-start';
import type { EnclaveInspection } from './enclave-inspection';
import { EnclaveVault } from './enclave-vault';
import { FrameWriter } from './frame-bytes';
import { RemoteLogKeys } from './remote-log-keys';

/** What an enclave is made of. */
export interface EnclaveOptions extends HouseKeysOptions {
  /** Processes that share the work, 1 to {@link ENCLAVE_PROCESSES_MAX}; default 1. */
  readonly processes?: number;
  /** Directory of the platform that it runs on, made when it is missing; without it the enclave cannot be attested. */
  readonly platformDirectory?: string;
  /** Lets the inspector of Node into the processes, each on a free port of loopback; quotes say so. Default false. */
  readonly isDebug?: boolean;
  /** Script of an enclave process; only a test has another. */
  readonly entry?: string;
  /** Told when a process of the enclave ends that was not asked to: nothing can be sealed any more. */
  readonly onLost?: (error: ProtegoError) => void;
}

/** An enclave that runs. */
export interface Enclave extends HouseKeys {
  /** Process ids, the keeper's first; those of replicas are the keeper's to know. */
  readonly keeperPid: number;
  /**
   * Evidence of who the enclave is: an EAT (RFC 9711) that `verifyQuote` appraises.
   *
   * @param nonce the verifier's random bytes, 16 to 64
   * @throws ProtegoError `ENCLAVE_NOT_ATTESTED` without a platform; `ATTESTATION_INVALID` for another nonce;
   *   `ENCLAVE_MEASUREMENT_INVALID` when a process is no longer what was measured
   */
  quote(nonce: Buffer): Promise<string>;
  /** What the enclave is made of and does, in numbers and hashes. */
  inspect(): Promise<EnclaveInspection>;
}

/**
 * Starts the processes of an enclave and opens the key directory of a log in them. The keys of persons, the root secret and the
 * signing key exist in those processes only.
 *
 * @throws ProtegoError as `openHouseKeys`; `ENCLAVE_LOST` when a process does not start; `USAGE_INVALID` for a number of
 *   processes that makes no sense, and for fields that were not read from declarations; with a platform also those of
 *   `openPlatform`, `ENCLAVE_MEASUREMENT_INVALID`, and `ENCLAVE_REPLICA_REFUSED`
 */
export async function openEnclave(options: EnclaveOptions): Promise<Enclave> {
  const { processes = 1, entry, isDebug, onLost } = options;
  const start = startOf(options, processes);
  const { channels, keeperPid, end } = startProcesses({
    processes,
    ...(isDebug === undefined ? {} : { isDebug }),
    ...(entry === undefined ? {} : { entry }),
    ...(onLost === undefined ? {} : { onLost }),
  });
  try {
    const writer = new FrameWriter();
    writer.json(start);
    const opened = (await (channels[0] as CallChannel).call(CALLS.open, writer)).json() as OpenedKeys;
    return enclaveOf(channels, opened, keeperPid, end);
  } catch (error) {
    await end();
    throw error;
  }
}

function startOf(options: EnclaveOptions, processes: number): EnclaveStart {
  const { fields, directory, mode, pseudonymKeyFile, gate, platformDirectory, isDebug, unlock } = options;
  if (!Number.isInteger(processes) || processes < 1 || processes > ENCLAVE_PROCESSES_MAX)
    throw new ProtegoError('USAGE_INVALID', `an enclave has 1 to ${ENCLAVE_PROCESSES_MAX} processes`);
  if (fields !== undefined && fields.declaration === undefined)
    throw new ProtegoError('USAGE_INVALID', 'an enclave takes only field classes that were read from declarations');
  return {
    ...{ directory, mode, processes },
    ...(pseudonymKeyFile === undefined ? {} : { pseudonymKeyFile }),
    ...(gate === undefined ? {} : { gate }),
    ...(platformDirectory === undefined ? {} : { platformDirectory }),
    ...(isDebug === true ? { isDebug } : {}),
    ...(unlock === undefined ? {} : { unlock }),
    ...(fields?.declaration === undefined ? {} : { fields: fields.declaration }),
  };
}

function enclaveOf(
  channels: readonly CallChannel[],
  opened: OpenedKeys,
  keeperPid: number,
  closeAll: () => Promise<void>,
): Enclave {
  const vault = new EnclaveVault(channels, closeAll);
  const keys = new RemoteLogKeys(
    opened,
    (message) => vault.sign(message),
    (dataKeyId) => vault.dataKeysAfter(dataKeyId),
  );
  return {
    keys,
    vault,
    keeperPid,
    quote: (nonce) => vault.quote(nonce),
    inspect: () => vault.inspect(),
    async rotateDataKey() {
      const { dataKeyId, key } = await vault.rotateDataKey();
      keys.putDataKey(dataKeyId, key);
      return dataKeyId;
    },
    async close() {
      keys.close();
      await vault.close();
    },
  };
}
