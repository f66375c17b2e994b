/** True for a host that only this machine reaches; IPv6 with or without brackets. Everything else needs TLS. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}
