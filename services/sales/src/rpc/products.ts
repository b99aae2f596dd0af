import {
  type AdjustStockRequest,
  type CreateProductRequest,
  type DeleteProductRequest,
  Product as ProductMessage,
  ProductServiceDefinition,
  type UpdateProductRequest,
} from '@rondo/contracts/sales/v1/products';
import {
  checkRequestId,
  type Etagged,
  etagOf,
  type List,
  nextPageToken,
  readEtag,
  readList,
  readUpdateMask,
} from '@rondo/resources';
import { type ChangedSince, titleFault } from '@rondo/resources/domain';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { checked, type FieldAt, validate } from '@rondo/rpc/status';
import { nameOf } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import type { Product, ProductDraft, ProductFields, StockChange } from '../domain/product.js';
import { deliveryEffortFault, skuFault, stockFault } from '../domain/rules.js';
import { deleteResource, type Target, undeleteResource } from '../usecases/delete-resource.js';
import {
  adjustStock,
  createProduct,
  getProduct,
  listProducts,
  type ProductUpdate,
  updateProduct,
} from '../usecases/products.js';
import { withRpcErrors } from './errors.js';
import { readPrice, toMoneyMessage } from './money.js';
import { idOf, readName } from './names.js';

const PRODUCT: Target<Product> = { kind: 'product', storeOf: ({ products }) => products };

/** Implements `sales.v1.ProductService`. */
export function productService(ports: Ports): ServiceImplementation {
  return implement(ProductServiceDefinition, {
    async createProduct(request) {
      return withRpcErrors(createProduct(ports, readCreate(request), toProductMessage));
    },
    async getProduct({ name }) {
      return toProductMessage(await withRpcErrors(getProduct(ports, idOf('product', name))));
    },
    async listProducts(request) {
      const { items, next } = await withRpcErrors(
        listProducts(
          ports,
          validate((field) => readList(field, PRODUCTS, request)),
        ),
      );
      return { products: items.map(toProductMessage), nextPageToken: nextPageToken(PRODUCTS, request, next) };
    },
    async adjustStock(request) {
      return withRpcErrors(adjustStock(ports, readAdjust(request), toProductMessage));
    },
    async updateProduct(request) {
      return toProductMessage(await withRpcErrors(updateProduct(ports, readUpdate(request))));
    },
    async deleteProduct(request) {
      return toProductMessage(await withRpcErrors(deleteResource(ports, PRODUCT, readDelete(request))));
    },
    async undeleteProduct({ name }) {
      return toProductMessage(await withRpcErrors(undeleteResource(ports, PRODUCT, idOf('product', name))));
    },
  });
}

/** The fields by which products can be filtered. */
const PRODUCTS: List = {
  collection: 'products',
  fields: {
    title: { kind: 'text' },
    sku: { kind: 'text' },
    stock: { kind: 'integer' },
    create_time: { kind: 'timestamp' },
  },
};

/** @throws RpcError `INVALID_ARGUMENT` with all faults of the request. */
function readCreate({ product = ProductMessage.fromPartial({}), requestId }: CreateProductRequest): ProductDraft {
  return validate((field) => {
    const read = productReader(field, product);
    const draft = {
      title: read.title(),
      sku: read.sku(),
      unitPrice: read.unitPrice(),
      stock: checked(field('product.stock'), product.stock, stockFault),
      deliveryEffortMinutes: read.deliveryEffortMinutes(),
    };
    checkRequestId(field('request_id'), requestId);
    return draft;
  });
}

/** @throws RpcError `INVALID_ARGUMENT` with all faults of the request. */
function readUpdate({ product = ProductMessage.fromPartial({}), updateMask }: UpdateProductRequest): ProductUpdate {
  return validate((field) => {
    const has = readUpdateMask(field('update_mask'), updateMask, {
      title: product.title !== '',
      sku: product.sku !== '',
      unit_price: product.unitPrice !== undefined,
      delivery_effort_minutes: product.deliveryEffortMinutes !== 0n,
    });
    const read = productReader(field, product);
    return {
      id: readName(field('product.name'), 'product', product.name),
      changedSince: readEtag(field('product.etag'), product.etag, etaggedOf),
      fields: {
        ...(has('title') && { title: read.title() }),
        ...(has('sku') && { sku: read.sku() }),
        ...(has('unit_price') && { unitPrice: read.unitPrice() }),
        ...(has('delivery_effort_minutes') && { deliveryEffortMinutes: read.deliveryEffortMinutes() }),
      },
    };
  });
}

type Readers = { readonly [Field in keyof ProductFields]: () => ProductFields[Field] };

/** Reads a product field by field, as an update has only some of them. */
function productReader(field: FieldAt, product: ProductMessage): Readers {
  const { title, sku, unitPrice, deliveryEffortMinutes: minutes } = product;
  return {
    title: () => checked(field('product.title'), title, titleFault),
    sku: () => checked(field('product.sku'), sku, skuFault),
    unitPrice: () => readPrice(field, 'product.unit_price', unitPrice),
    deliveryEffortMinutes: () => checked(field('product.delivery_effort_minutes'), minutes, deliveryEffortFault),
  };
}

function readAdjust({ name, delta }: AdjustStockRequest): StockChange {
  return { productId: idOf('product', name), delta };
}

/** @throws RpcError `INVALID_ARGUMENT` with all faults of the request. */
function readDelete({ name, etag }: DeleteProductRequest): {
  readonly id: string;
  readonly changedSince: ChangedSince<Product>;
} {
  return validate((field) => ({
    id: readName(field('name'), 'product', name),
    changedSince: readEtag(field('etag'), etag, etaggedOf),
  }));
}

function toProductMessage(product: Product): ProductMessage {
  const { id, unitPrice, version: _, ...fields } = product;
  return {
    ...fields,
    name: nameOf('product', id),
    unitPrice: toMoneyMessage(unitPrice),
    etag: etagOf(etaggedOf(product)),
  };
}

/**
 * The order of these fields must never change: the etags that callers hold depend on it. The stock isn't part of them.
 */
function etaggedOf({ id, version, createTime, updateTime, ...product }: Product): Etagged {
  const { title, sku, unitPrice, deliveryEffortMinutes, deleteTime } = product;
  const changeable = { title, sku, unit_price: unitPrice, delivery_effort_minutes: deliveryEffortMinutes };
  const fields = { ...changeable, delete_time: deleteTime };
  return { name: nameOf('product', id), version, createTime, updateTime, fields };
}
