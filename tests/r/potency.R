# Relative potency by R: stats::nls, stats::lm and metafor::rma. Rscript tests/r/potency.R FOLDER > tests/r/potency.csv
# FOLDER holds wells.csv, lines.csv and runs.csv, as tests/r/potency.py writes them.
suppressMessages(library(metafor))
folder <- commandArgs(trailingOnly = TRUE)[1]
answer <- list()
keep <- function(name, value) answer[[name]] <<- value

# Four parameters: each preparation alone (similarity), then both with one shape (shift).
wells <- read.csv(file.path(folder, "wells.csv"))
wells$x <- log(wells$dose)
wells$lot <- as.numeric(wells$sample == "lot")
tight <- nls.control(maxiter = 500, tol = 1e-6, minFactor = 1e-10)
alone <- lapply(c("reference", "lot"), function(name) nls(
  response ~ low + (high - low) / (1 + exp(-exp(steep) * (x - middle))),
  data = wells[wells$sample == name, ],
  start = list(low = 0.2, high = 2, steep = 0.2, middle = 0.4), control = tight
))
freedom <- df.residual(alone[[1]]) + df.residual(alone[[2]])
pooled <- (deviance(alone[[1]]) + deviance(alone[[2]])) / freedom
estimate <- lapply(alone, coef)
# One error for both preparations.
spread <- lapply(alone, function(fit) vcov(fit) * pooled / summary(fit)$sigma^2)
q90 <- qt(0.95, freedom)
steep <- estimate[[2]]["steep"] - estimate[[1]]["steep"]
off <- q90 * sqrt(spread[[1]]["steep", "steep"] + spread[[2]]["steep", "steep"])
keep("slope", exp(steep)); keep("slope_low", exp(steep - off)); keep("slope_high", exp(steep + off))

# Fieller's interval as the roots of its quadratic (a - r b)^2 = q^2 (va - 2 r vab + r^2 vb).
roots <- function(a, b, va, vb, vab, q) {
  sort(Re(polyroot(c(a^2 - q^2 * va, -2 * (a * b - q^2 * vab), b^2 - q^2 * vb))))
}
to_range <- c(-1, 1, 0, 0)
range <- sapply(estimate, function(one) sum(to_range * one))
range_variance <- sapply(spread, function(one) as.numeric(t(to_range) %*% one %*% to_range))
ends <- roots(range[2], range[1], range_variance[2], range_variance[1], 0, q90)
keep("range", range[2] / range[1]); keep("range_low", ends[1]); keep("range_high", ends[2])

# Lower ends over the reference's range, by the delta method with numerical slopes.
difference <- function(p) (p[3] - p[1]) / (p[2] - p[1])
point <- c(estimate[[1]]["low"], estimate[[1]]["high"], estimate[[2]]["low"])
slopes <- sapply(1:3, function(k) {
  step <- replace(rep(0, 3), k, 1e-6)
  (difference(point + step) - difference(point - step)) / 2e-6
})
joint <- matrix(0, 3, 3)
joint[1:2, 1:2] <- spread[[1]][1:2, 1:2]
joint[3, 3] <- spread[[2]][1, 1]
off <- q90 * sqrt(as.numeric(t(slopes) %*% joint %*% slopes))
keep("lower", difference(point)); keep("lower_low", difference(point) - off); keep("lower_high", difference(point) + off)

both <- nls(
  response ~ low + (high - low) / (1 + exp(-exp(steep) * (x - middle - shift * lot))),
  data = wells, start = list(low = 0.2, high = 2, steep = 0.2, middle = 0.4, shift = 0.3), control = tight
)
shift <- -coef(both)["shift"]
off <- qt(0.975, df.residual(both)) * sqrt(vcov(both)["shift", "shift"])
keep("r", exp(shift)); keep("r_low", exp(shift - off)); keep("r_high", exp(shift + off))

# Error of replicate wells of the reference over its range: the residual of a one-way analysis of variance.
reference <- wells[wells$sample == "reference", ]
keep("replicate", summary(lm(response ~ factor(dose), reference))$sigma / range[1])
keep("determination", 1 - deviance(alone[[1]]) / sum((reference$response - mean(reference$response))^2))
means <- tapply(reference$response, reference$dose, mean)
keep("window", max(means) / min(means))

# Parallel lines.
lines <- read.csv(file.path(folder, "lines.csv"))
lines$x <- log(lines$dose)
lines$lot <- as.numeric(lines$sample == "lot")
parallel <- lm(response ~ lot + x, lines)
v <- vcov(parallel)
a <- coef(parallel)["lot"]; b <- coef(parallel)["x"]
ends <- roots(a, b, v["lot", "lot"], v["x", "x"], v["lot", "x"], qt(0.975, df.residual(parallel)))
keep("line_r", exp(a / b)); keep("line_low", exp(ends[1])); keep("line_high", exp(ends[2]))
own <- lapply(c("reference", "lot"), function(name) lm(response ~ x, lines[lines$sample == name, ]))
freedom <- df.residual(own[[1]]) + df.residual(own[[2]])
pooled <- (deviance(own[[1]]) + deviance(own[[2]])) / freedom
slope <- sapply(own, function(fit) coef(fit)["x"])
variance <- sapply(own, function(fit) vcov(fit)["x", "x"] * pooled / summary(fit)$sigma^2)
ends <- roots(slope[2], slope[1], variance[2], variance[1], 0, qt(0.95, freedom))
keep("line_slope", slope[2] / slope[1]); keep("line_slope_low", ends[1]); keep("line_slope_high", ends[2])

# Runs: Paule and Mandel's variance between runs, the interval of Hartung and Knapp.
runs <- read.csv(file.path(folder, "runs.csv"))
fit <- rma(yi = log, vi = variance, data = runs, method = "PM", test = "knha", control = list(tol = 1e-12))
keep("runs_r", exp(fit$beta)); keep("runs_low", exp(fit$ci.lb)); keep("runs_high", exp(fit$ci.ub))
keep("runs_between", sqrt(fit$tau2))

cat("name,value\n")
for (name in names(answer)) cat(sprintf("%s,%.10g\n", name, as.numeric(answer[[name]])))
