/** A service that connections reach. */
export interface ReachedService {
  readonly port: number;
  readonly application: string;
  readonly protocol?: 'tcp' | 'udp';
}

/** Services by the names that the network monitor gives them. */
export const REACHED = {
  smb: { port: 445, application: 'smb' },
  remoteDesktop: { port: 3389, application: 'rdp' },
  remoteManagement: { port: 5985, application: 'winrm' },
  procedureCalls: { port: 135, application: 'dce-rpc' },
  shell: { port: 22, application: 'ssh' },
  web: { port: 443, application: 'https' },
  plainWeb: { port: 80, application: 'http' },
  names: { port: 53, application: 'dns', protocol: 'udp' },
  images: { port: 104, application: 'dicom' },
} as const satisfies Readonly<Record<string, ReachedService>>;
