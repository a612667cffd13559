"""The output layer and its loss in one piece, with the gradient made on the way.

The logits of a small model are most of its memory traffic: at width 192 a row of 8,192 of them is forty times the row
that made it. Here they exist once, in the width of the computation, and the part in float32 is a few rows at a time.
On two processor cores a step takes two thirds of the time of cross_entropy on all logits.
"""

import torch

ROWS_AT_A_TIME = {"cpu": 64, "cuda": 8192}


def loss_of_rows(logits, targets, weights, wanted):
    """The loss of some rows in nats, and its gradient [rows, vocabulary] in the type of `logits`."""
    wide = logits.float()
    log_total = wide.logsumexp(-1, keepdim=True)
    rows = torch.arange(len(wide), device=wide.device)
    nats = (log_total.squeeze(-1) - wide[rows, targets])
    gradient = (wide - log_total).exp_()
    if wanted is None:
        gradient[rows, targets] -= 1.0
    else:
        teacher = wanted.float().log_softmax(-1)
        share = teacher.exp()
        nats = 0.5 * nats + 0.5 * (share * (teacher - wide + log_total)).sum(-1)
        gradient -= 0.5 * share
        gradient[rows, targets] -= 0.5
    return (nats * weights).sum(), (gradient * weights[:, None]).to(logits.dtype)


class HeadLoss(torch.autograd.Function):
    """Sum over rows of weight * cross entropy in nats; with a teacher the mean of that and of the divergence from it.

    hidden [rows, width] float32, embedding [vocabulary, width], targets [rows], weights [rows] float32,
    wanted: the teacher's logits [rows, vocabulary], or None. `dtype` is what products are computed in, `of_rows` is
    loss_of_rows or what it was compiled to.
    """

    @staticmethod
    def forward(ctx, hidden, embedding, targets, weights, wanted, dtype, of_rows):
        hidden, embedding = hidden.to(dtype), embedding.to(dtype)
        logits = hidden @ embedding.T
        loss = torch.zeros((), device=hidden.device)
        for i in range(0, len(logits), ROWS_AT_A_TIME[hidden.device.type]):
            part = slice(i, i + ROWS_AT_A_TIME[hidden.device.type])
            found, logits[part] = of_rows(logits[part], targets[part], weights[part], None if wanted is None else wanted[part])
            loss += found
        ctx.save_for_backward(hidden, embedding, logits)
        return loss

    @staticmethod
    def backward(ctx, scale):
        hidden, embedding, gradient = ctx.saved_tensors
        return (gradient @ embedding).float() * scale, (gradient.T @ hidden).float() * scale, *[None] * 5
