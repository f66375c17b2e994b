import type { SealRootOptions, SealedRootReport } from '../root/seal-root';
import type { CallChannel } from './call-channel';
import { CALLS } from './call-codec';
import { startProcesses } from './enclave-processes';
import type { RootSealing } from './enclave-start';
import { FrameWriter } from './frame-bytes';

/** What is sealed, and where. */
export interface SealEnclaveRootOptions extends SealRootOptions {
  /** Directory of the platform, made when it is missing. */
  readonly platformDirectory: string;
  /** Script of an enclave process; only a test has another. */
  readonly entry?: string;
}

/**
 * Seals the root secret of a log in an enclave process of its own: the secret, and those that unlock it, never come to the
 * process that asks for it.
 *
 * @throws ProtegoError as `sealRoot` and `openPlatform`; `ENCLAVE_LOST` when the process does not start
 */
export async function sealEnclaveRoot(options: SealEnclaveRootOptions): Promise<SealedRootReport> {
  const { platformDirectory, entry, ...seal } = options;
  const { directory } = seal;
  const { channels, end } = startProcesses({ processes: 1, ...(entry === undefined ? {} : { entry }) });
  try {
    const sealing: RootSealing = { start: { directory, mode: 'write', processes: 1, platformDirectory }, seal };
    const writer = new FrameWriter();
    writer.json(sealing);
    return (await (channels[0] as CallChannel).call(CALLS.sealRoot, writer)).json() as SealedRootReport;
  } finally {
    await end();
  }
}
