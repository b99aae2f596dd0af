import type { JsonValue } from '@bufbuild/protobuf';

/**
 * The parts of an OpenAPI document that the gateway writes.
 *
 * Source: https://spec.openapis.org/oas/v3.1.1.html
 */
export interface OpenApiDocument {
  readonly openapi: '3.1.1';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  /** Empty: each operation says what it needs, if the gateway verifies credentials. */
  readonly security: readonly [];
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Response>>;
    readonly securitySchemes?: Readonly<Record<string, SecurityScheme>>;
  };
}

export interface Operation {
  readonly tags: readonly string[];
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly deprecated?: true;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: RequestBody;
  readonly responses: Readonly<Record<string, Response | Reference>>;
  /** One of these is needed; nothing if it is empty. */
  readonly security?: readonly SecurityRequirement[];
}

/** The scopes that are needed, by the name of the scheme. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

export type SecurityScheme = { readonly description: string } & (
  | { readonly type: 'http'; readonly scheme: string; readonly bearerFormat: string }
  | { readonly type: 'apiKey'; readonly in: 'header'; readonly name: string }
);

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: true;
  readonly deprecated?: true;
  readonly description?: string;
  readonly schema: Schema;
}

export interface RequestBody {
  readonly description?: string;
  readonly required?: true;
  readonly content: Content;
}

export interface Response {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: Schema }>>;
  readonly content?: Content;
}

/** By content type. */
export type Content = Readonly<Record<string, { readonly schema: Schema; readonly example?: JsonValue }>>;

export interface Reference {
  readonly $ref: string;
}

/** Source: https://json-schema.org/draft/2020-12 */
export interface Schema {
  readonly $ref?: string;
  readonly type?: SchemaType | readonly SchemaType[];
  readonly format?: string;
  readonly description?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: true;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly enum?: readonly (string | number)[];
  readonly examples?: readonly JsonValue[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly contentEncoding?: string;
  readonly contentMediaType?: string;
  readonly readOnly?: true;
  readonly writeOnly?: true;
  readonly deprecated?: true;
}

type SchemaType = 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array' | 'null';
