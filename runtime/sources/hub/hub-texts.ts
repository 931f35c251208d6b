/** What a step's progress says while it is prepared: Pantavisor's words. */
export const TEXT = {
  retried: (retries: number, max: number) => `Retried ${retries} of ${max}`,
  listing: (retries: number, max: number) => `Downloading update metadata, retry ${retries} of ${max}`,
  downloading: (retries: number, max: number) => `Downloading update artifacts, retry ${retries} of ${max}`,
  processedTooOften: 'Max update processing retries reached',
  downloadedTooOften: 'Max download update retries reached',
  noRoom: (needed: number, available: number) => `Space required ${needed} B, available ${available} B`,
} as const;
