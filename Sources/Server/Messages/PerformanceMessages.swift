import Statistics
import Wire

extension WireFigure {
    fileprivate init(_ name: String, _ estimate: Estimate) {
        self.init()
        self.name = name
        value = estimate.value
        if let bound = estimate.low { low = bound }
        if let bound = estimate.high { high = bound }
    }
}

extension BinaryPerformance {
    var figures: [WireFigure] {
        var figures = [
            WireFigure("accuracy", accuracy), WireFigure("precision", precision),
            WireFigure("recall", recall), WireFigure("f1", f1),
        ]
        if let auc { figures.append(WireFigure("auc", auc)) }
        return figures + [
            WireFigure("log_loss", logLoss), WireFigure("brier", brier),
            WireFigure("calibration_error", Estimate(calibrationError)),
        ]
    }
}

extension RegressionPerformance {
    var figures: [WireFigure] {
        [WireFigure("mae", mae), WireFigure("rmse", rmse)]
            + (r2.map { [WireFigure("r2", $0)] } ?? [])
    }
}

extension ClassPerformance {
    var figures: [WireFigure] {
        [
            WireFigure("accuracy", accuracy), WireFigure("precision", Estimate(precision)),
            WireFigure("recall", Estimate(recall)), WireFigure("f1", Estimate(f1)),
        ]
    }
}
