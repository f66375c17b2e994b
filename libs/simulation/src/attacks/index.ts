import { ACCESS_SCRIPTS } from './access-scripts';
import type { Script } from './activity';
import { BEACONING_IMPLANT_SCRIPTS } from './beaconing-implant';
import { DICOM_POLYGLOT_SCRIPTS } from './dicom-polyglot';
import { EXCHANGE_SCRIPTS } from './exchange-scripts';
import { LEGACY_LATERAL_MOVEMENT_SCRIPTS } from './legacy-lateral-movement';
import { LOG_SOURCE_SILENCING_SCRIPTS } from './log-source-silencing';
import { MONITOR_NETWORK_SPOOFING_SCRIPTS } from './monitor-network-spoofing';
import { PUMP_FIRMWARE_TAMPERING_SCRIPTS } from './pump-firmware-tampering';
import { RANSOMWARE_SCRIPTS } from './ransomware';
import { ROGUE_ACCESS_POINT_SCRIPTS } from './rogue-access-point';
import { SNOOPING_SCRIPTS } from './snooping-scripts';

/** Every activity that can be planted. */
export const SCRIPTS: readonly Script[] = [
  ...ACCESS_SCRIPTS,
  ...BEACONING_IMPLANT_SCRIPTS,
  ...DICOM_POLYGLOT_SCRIPTS,
  ...EXCHANGE_SCRIPTS,
  ...LEGACY_LATERAL_MOVEMENT_SCRIPTS,
  ...LOG_SOURCE_SILENCING_SCRIPTS,
  ...MONITOR_NETWORK_SPOOFING_SCRIPTS,
  ...PUMP_FIRMWARE_TAMPERING_SCRIPTS,
  ...RANSOMWARE_SCRIPTS,
  ...ROGUE_ACCESS_POINT_SCRIPTS,
  ...SNOOPING_SCRIPTS,
];
