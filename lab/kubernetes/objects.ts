/** What the kubelet and the proxy read of objects of Kubernetes. */

export interface KubeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
  };
}

export interface Probe {
  readonly grpc: { readonly port: number; readonly service?: string };
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: ValueFrom }[];
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
}

interface ValueFrom {
  readonly fieldRef?: { readonly fieldPath: string };
  readonly secretKeyRef?: { readonly name: string; readonly key: string };
}

/** One source of files; exactly one field is set. */
export interface Source {
  readonly emptyDir?: object;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string };
  readonly serviceAccountToken?: { readonly path: string; readonly expirationSeconds: number };
  readonly downwardAPI?: {
    readonly items: readonly { readonly path: string; readonly fieldRef: { fieldPath: string } }[];
  };
  readonly projected?: { readonly sources: readonly Source[] };
}

export interface Pod extends KubeObject {
  readonly spec: {
    readonly nodeName: string;
    readonly serviceAccountName: string;
    readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
    readonly securityContext: { readonly runAsUser: number };
    readonly containers: readonly [Container];
    readonly volumes?: readonly (Source & { readonly name: string })[];
  };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

interface Port {
  readonly name?: string;
  readonly port: number;
}

export interface Service extends KubeObject {
  readonly spec: { readonly clusterIP: string; readonly ports?: readonly Port[] };
}

export interface EndpointSlice extends KubeObject {
  readonly ports: readonly Port[] | null;
  readonly endpoints:
    | readonly { readonly addresses: readonly string[]; readonly conditions: { ready?: boolean } }[]
    | null;
}

export interface DataObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
