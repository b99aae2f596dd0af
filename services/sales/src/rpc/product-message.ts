import {
  type AdjustStockRequest,
  type CreateProductRequest,
  Product as ProductMessage,
} from '@rondo/contracts/sales/v1/products';
import { checked, validate } from '@rondo/rpc/status';
import { nameOf } from '../domain/names.js';
import type { Product, ProductDraft, StockChange } from '../domain/product.js';
import type { RequestKey } from '../domain/request-key.js';
import { deliveryEffortFault, skuFault, stockDeltaFault, stockFault, titleFault } from '../domain/rules.js';
import { readPrice, toMoneyMessage } from './money.js';
import { readName } from './names.js';
import { readRequestKey } from './request-keys.js';

/** What `CreateProduct` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readCreate({ product = ProductMessage.fromPartial({}), requestId }: CreateProductRequest): {
  readonly draft: ProductDraft;
  readonly key: RequestKey | undefined;
} {
  return validate((field) => {
    const minutes = product.deliveryEffortMinutes;
    const draft = {
      title: checked(field('product.title'), product.title, titleFault),
      sku: checked(field('product.sku'), product.sku, skuFault),
      unitPrice: readPrice(field, 'product.unit_price', product.unitPrice),
      stock: checked(field('product.stock'), product.stock, stockFault),
      deliveryEffortMinutes: checked(field('product.delivery_effort_minutes'), minutes, deliveryEffortFault),
    };
    return { draft, key: readRequestKey(field('request_id'), { method: 'CreateProduct', requestId, asked: draft }) };
  });
}

/** What `AdjustStock` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readAdjust({ name, delta, requestId }: AdjustStockRequest): {
  readonly change: StockChange;
  readonly key: RequestKey | undefined;
} {
  return validate((field) => {
    const change = {
      productId: readName(field('name'), 'product', name),
      delta: checked(field('delta'), delta, stockDeltaFault),
    };
    return { change, key: readRequestKey(field('request_id'), { method: 'AdjustStock', requestId, asked: change }) };
  });
}

/** A product as the contract has it. */
export function toProductMessage({ id, unitPrice, ...fields }: Product): ProductMessage {
  return { name: nameOf('product', id), unitPrice: toMoneyMessage(unitPrice), ...fields };
}
