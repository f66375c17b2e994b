/** Channel of Sysmon, lower case. */
export const SYSMON_CHANNEL = 'microsoft-windows-sysmon/operational';

/** Windows services of the Sigma rule base and the channels that they mean, lower case. */
const CHANNELS_OF_SERVICE: readonly (readonly [service: string, ...channels: string[]])[] = [
  ['application', 'application'],
  ['security', 'security'],
  ['system', 'system'],
  ['sysmon', SYSMON_CHANNEL],
  ['powershell', 'microsoft-windows-powershell/operational', 'powershellcore/operational'],
  ['powershell-classic', 'windows powershell'],
  ['windefend', 'microsoft-windows-windows defender/operational'],
  [
    'applocker',
    'microsoft-windows-applocker/exe and dll',
    'microsoft-windows-applocker/msi and script',
    'microsoft-windows-applocker/packaged app-deployment',
    'microsoft-windows-applocker/packaged app-execution',
  ],
  ['appmodel-runtime', 'microsoft-windows-appmodel-runtime/admin'],
  ['appxdeployment-server', 'microsoft-windows-appxdeploymentserver/operational'],
  ['appxpackaging-om', 'microsoft-windows-appxpackaging/operational'],
  ['bitlocker', 'microsoft-windows-bitlocker/bitlocker management'],
  ['bits-client', 'microsoft-windows-bits-client/operational'],
  ['capi2', 'microsoft-windows-capi2/operational'],
  [
    'certificateservicesclient-lifecycle-system',
    'microsoft-windows-certificateservicesclient-lifecycle-system/operational',
  ],
  ['codeintegrity-operational', 'microsoft-windows-codeintegrity/operational'],
  ['diagnosis-scripted', 'microsoft-windows-diagnosis-scripted/operational'],
  ['dns-client', 'microsoft-windows-dns client events/operational'],
  ['dns-server', 'dns server'],
  ['dns-server-analytic', 'microsoft-windows-dns-server/analytical', 'microsoft-windows-dnsserver/analytical'],
  ['dns-server-audit', 'microsoft-windows-dns-server/audit', 'microsoft-windows-dnsserver/audit'],
  ['driver-framework', 'microsoft-windows-driverframeworks-usermode/operational'],
  ['firewall-as', 'microsoft-windows-windows firewall with advanced security/firewall'],
  ['hyper-v-worker', 'microsoft-windows-hyper-v-worker-admin'],
  ['iis-configuration', 'microsoft-iis-configuration/operational'],
  ['kernel-event-tracing', 'microsoft-windows-kernel-eventtracing/admin'],
  [
    'kernel-shimengine',
    'microsoft-windows-kernel-shimengine/operational',
    'microsoft-windows-kernel-shimengine/diagnostic',
  ],
  ['ldap', 'microsoft-windows-ldap-client/debug'],
  ['ldap_debug', 'microsoft-windows-ldap-client/debug'],
  ['lsa-server', 'microsoft-windows-lsa/operational'],
  [
    'microsoft-servicebus-client',
    'microsoft-servicebus-client/admin',
    'microsoft-servicebus-client/operational',
    'microsoft-servicebus-client',
  ],
  ['msexchange-management', 'msexchange management'],
  ['ntfs', 'microsoft-windows-ntfs/operational'],
  ['ntlm', 'microsoft-windows-ntlm/operational'],
  ['openssh', 'openssh/operational'],
  ['printservice-admin', 'microsoft-windows-printservice/admin'],
  ['printservice-operational', 'microsoft-windows-printservice/operational'],
  [
    'security-mitigations',
    'microsoft-windows-security-mitigations/kernel mode',
    'microsoft-windows-security-mitigations/user mode',
  ],
  ['sense', 'microsoft-windows-sense/operational'],
  ['shell-core', 'microsoft-windows-shell-core/operational'],
  ['smbclient-connectivity', 'microsoft-windows-smbclient/connectivity'],
  ['smbclient-security', 'microsoft-windows-smbclient/security'],
  ['smbserver-connectivity', 'microsoft-windows-smbserver/connectivity'],
  ['taskscheduler', 'microsoft-windows-taskscheduler/operational'],
  ['terminalservices-localsessionmanager', 'microsoft-windows-terminalservices-localsessionmanager/operational'],
  ['vhdmp', 'microsoft-windows-vhdmp/operational'],
  ['wmi', 'microsoft-windows-wmi-activity/operational'],
];

/** Categories that Sysmon's event ids stand for (Sysmon schema 4.90; Sigma taxonomy, "Windows Specific"). */
const SYSMON_IDS_OF_CATEGORY: readonly (readonly [category: string, ...eventIds: number[]])[] = [
  ['process_creation', 1],
  ['file_change', 2],
  ['network_connection', 3],
  ['sysmon_status', 4, 16],
  ['process_termination', 5],
  ['driver_load', 6],
  ['image_load', 7],
  ['create_remote_thread', 8],
  ['raw_access_thread', 9],
  ['process_access', 10],
  ['file_event', 11],
  ['registry_add', 12],
  ['registry_delete', 12],
  ['registry_set', 13],
  ['registry_rename', 14],
  ['registry_event', 12, 13, 14],
  ['create_stream_hash', 15],
  ['pipe_created', 17, 18],
  ['wmi_event', 19, 20, 21],
  ['dns_query', 22],
  ['file_delete', 23, 26],
  ['file_delete_detected', 26],
  ['clipboard_capture', 24],
  ['process_tampering', 25],
  ['file_block_executable', 27],
  ['file_block_shredding', 28],
  ['file_executable_detected', 29],
  ['sysmon_error', 255],
];

/** Categories of other channels; `*` stands for every event id. */
const OTHER_CATEGORIES: readonly (readonly [channel: string, eventId: string, ...categories: string[]])[] = [
  ['security', '4688', 'process_creation'],
  ['microsoft-windows-powershell/operational', '4103', 'ps_module'],
  ['powershellcore/operational', '4103', 'ps_module'],
  ['microsoft-windows-powershell/operational', '4104', 'ps_script'],
  ['powershellcore/operational', '4104', 'ps_script'],
  ['windows powershell', '400', 'ps_classic_start'],
  ['windows powershell', '600', 'ps_classic_provider_start'],
  ['windows powershell', '800', 'ps_classic_script'],
  ['microsoft-windows-kernel-file/analytic', '*', 'file_access', 'file_rename'],
];

/** Services by channel. */
export const SERVICES_OF_CHANNEL: ReadonlyMap<string, readonly string[]> = invert(CHANNELS_OF_SERVICE);

/** Categories of Sysmon by event id. */
export const CATEGORIES_OF_SYSMON: ReadonlyMap<string, readonly string[]> = invert(SYSMON_IDS_OF_CATEGORY);

/** Categories by channel and event id, Sysmon left out. */
export const CATEGORIES_OF_OTHERS: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> = byChannel();

function invert(rows: readonly (readonly [string, ...(string | number)[]])[]): Map<string, string[]> {
  const inverted = new Map<string, string[]>();
  for (const [name, ...keys] of rows) {
    for (const key of keys) inverted.set(String(key), [...(inverted.get(String(key)) ?? []), name]);
  }
  return inverted;
}

function byChannel(): Map<string, Map<string, readonly string[]>> {
  const channels = new Map<string, Map<string, readonly string[]>>();
  for (const [channel, eventId, ...categories] of OTHER_CATEGORIES) {
    const byEventId = channels.get(channel) ?? new Map<string, readonly string[]>();
    byEventId.set(eventId, categories);
    channels.set(channel, byEventId);
  }
  return channels;
}
