/** Status goals and container statuses, in Pantavisor's words and order. */
export const STATUS_GOALS = ['MOUNTED', 'STARTED', 'READY'] as const;
export type StatusGoal = (typeof STATUS_GOALS)[number];

/** What a container's status goes by on the control socket; the order is Pantavisor's. */
export const CONTAINER_STATUSES = [
  'NONE',
  'INSTALLED',
  'MOUNTED',
  'BLOCKED',
  'STARTING',
  'STARTED',
  'READY',
  'RECOVERING',
  'STOPPING',
  'STOPPED',
] as const;
export type ContainerStatusName = (typeof CONTAINER_STATUSES)[number];

export const RESTART_POLICIES = ['system', 'container'] as const;
export type RestartPolicy = (typeof RESTART_POLICIES)[number];
