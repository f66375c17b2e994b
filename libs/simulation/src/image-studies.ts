import type { EventDraft } from './draft';
import { deviceDraft, endpointOf, type PatientView } from './event-drafts';
import type { SimulatedDevice } from './hospital/model';
import type { SeededRandom } from './random';

/** What the first 128 bytes of an image are (DICOM PS3.10, section 7.1: up to whoever writes them). */
export type Preamble = 'zero' | 'tiff' | 'text' | 'executable' | 'archive' | 'other';

/** Share of studies that come without the name of a patient whom the house knows. */
export const UNNAMED_SHARE = 0.3;

const MODALITIES = ['CT', 'MR', 'US', 'DX', 'XA'] as const;

/** A study that came to the archive. */
export function imageDraft(
  timeMs: number,
  archive: SimulatedDevice,
  from: SimulatedDevice,
  preamble: Preamble,
  patient: PatientView | undefined,
  random: SeededRandom,
): EventDraft {
  // Slides of pathology are the usual dual files: DICOM and TIFF in one.
  const modality =
    preamble === 'tiff' ? 'SM' : (MODALITIES[Number(from.view.uid.slice(-2)) % MODALITIES.length] ?? 'CT');
  return deviceDraft(timeMs, 'imaging-archive', 'device.image-stored', archive.view, {
    src_endpoint: { ...endpointOf(from) },
    image: { modality, preamble, size: random.integer(400_000, 90_000_000), private_tags: random.integer(0, 24) },
    application_entity: from.view.uid.toUpperCase(),
    ...(patient === undefined ? {} : { patient }),
  });
}
