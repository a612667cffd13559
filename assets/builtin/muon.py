"""Muon: momentum whose matrices are made orthogonal before they are added (K. Jordan 2024; Liu et al. 2025, "Muon is
scalable for LLM training", for the size of an update, which lets it share AdamW's rate and weight decay).

For the matrices of the blocks; embeddings and norms stay with AdamW.
"""

import torch

MOMENTUM = 0.95
STEPS = 5
A, B, C = 3.4445, -4.7750, 2.0315   # of the iteration x <- a x + (b x x^T + c (x x^T)^2) x


def orthogonal(x):
    """The nearest matrices with singular values near 1, of x [many, rows, columns] with rows <= columns."""
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    x = x.to(torch.bfloat16)
    for _ in range(STEPS):
        square = x @ x.transpose(1, 2)
        x = A * x + (B * square + C * (square @ square)) @ x
    return x.float()


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters, lr, weight_decay):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(p.grad, 1 - MOMENTUM)
                update = p.grad.lerp(state["momentum"], MOMENTUM)
                wide = update if p.shape[0] <= p.shape[1] else update.T
                shapes.setdefault(wide.shape, []).append((p, wide))
            for shape, pairs in shapes.items():
                updates = orthogonal(torch.stack([wide for _, wide in pairs])) * (0.2 * shape[1] ** 0.5)
                for (p, _), update in zip(pairs, updates):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.sub_(update if p.shape[0] <= p.shape[1] else update.T, alpha=group["lr"])
